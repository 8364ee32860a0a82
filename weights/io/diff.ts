import { WeightsError } from '../errors.ts';
import { addSquares, subtractInto } from '../ops/combine-kernel.ts';
import { findProblems, type Facts } from '../plan/compatibility.ts';
import { planDeltaShards, type DeltaShard } from '../plan/delta-layout.ts';
import { DELTA_SCHEMA, type DeltaManifest, type OutputFile } from '../plan/delta-manifest.ts';
import { elementCount, type ModelFolder, type TensorEntry } from '../plan/model.ts';
import { canonicalTensors } from '../plan/canonical-tensors.ts';
import { IncompatibleError } from '../plan/problem.ts';
import { serializeHeader } from '../plan/serialize-header.ts';
import { FINE_TUNE_FILES } from '../plan/sidecars.ts';
import { join } from 'node:path';
import { openModel } from './open-model.ts';
import { readFacts } from './read-facts.ts';
import { stageFolder } from './staged-folder.ts';
import type { Combine } from './stream-tensor.ts';
import { writeTensors, type ShardJob, type WorkOptions } from './write-tensors.ts';

/** What to subtract from what, and where the delta goes. */
export interface DiffInput extends WorkOptions {
  readonly tuned: string;
  readonly base: string;
  /** A folder that does not exist yet. */
  readonly out: string;
  /** Digests by which the caller has pinned the two models; recorded, not checked. */
  readonly parents: { readonly tuned: string; readonly base: string };
  /** Data bytes of one delta file at most, unless a single tensor is larger. Default 5 GB. */
  readonly maxShardBytes?: number;
}

/** A written delta: its manifest, and every file of the folder. */
export interface DeltaReport {
  readonly manifest: DeltaManifest;
  readonly outputs: readonly OutputFile[];
}

/**
 * Δ = tuned − base over all parameters, as a folder that no model loader takes for a model. Operands BF16, F16, F32 or
 * F64; subtracted in float64; rounded once, to nearest even, to F32, or kept in F64 where an operand is F64. A tied embedding is
 * stored once. Inputs are not changed; memory does not grow with the model. The same weights give the same bytes,
 * however they are sharded.
 *
 * Errors: WEIGHTS_INCOMPATIBLE (every problem), WEIGHTS_NON_FINITE, WEIGHTS_OUTPUT_EXISTS, WEIGHTS_ABORTED,
 * WEIGHTS_ARGUMENT_INVALID, and those of `openModel`. Run twice, the second run fails with WEIGHTS_OUTPUT_EXISTS.
 */
export async function diff(input: DiffInput): Promise<DeltaReport> {
  const maxShardBytes = input.maxShardBytes ?? 5e9;
  if (!(maxShardBytes > 0)) {
    const message = `maxShardBytes: found ${String(maxShardBytes)}, expected more than 0; leave it out for 5 GB.`;
    throw new WeightsError('WEIGHTS_ARGUMENT_INVALID', message, { maxShardBytes });
  }
  const tuned = await openModel(input.tuned);
  const base = await openModel(input.base);
  const facts = await readFacts('tuned', tuned);
  const problems = findProblems(await readFacts('base', base), [facts]);
  if (problems.length > 0) throw new IncompatibleError(problems);
  const pairs = pairTensors(tuned, base);
  const layout = planDeltaShards(
    new Map([...pairs].map(([name, [one, other]]) => [name, { shape: one.shape, dtypes: [one.dtype, other.dtype] }])),
    maxShardBytes,
  );
  let squares = 0;
  const combine: Combine = ([difference = NONE, minus = NONE], count, { dtype }) => {
    subtractInto(difference, minus, count, dtype);
    squares = addSquares(squares, difference, count);
  };
  return await stageFolder(input.out, input.signal, async (staged) => {
    const shards = await writeTensors(staged, toShardJobs(layout, pairs), combine, input);
    const fineTune: OutputFile[] = [];
    for (const name of FINE_TUNE_FILES) {
      if (tuned.files.includes(name))
        fineTune.push(await staged.copyFile(`fine-tune/${name}`, join(tuned.folder, name)));
    }
    const manifest = toManifest(input, facts, layout, { norm: toNorm(squares), shards, fineTune });
    const json = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
    const manifestFile = await staged.writeFile('delta.json', (write) => write(json));
    return { manifest, outputs: [manifestFile, ...shards, ...fineTune] };
  });
}

const NONE = new Float64Array(0);

type Pairs = ReadonlyMap<string, readonly [tuned: TensorEntry, base: TensorEntry]>;

function pairTensors(tuned: ModelFolder, base: ModelFolder): Pairs {
  const subtrahends = canonicalTensors(base.tensors, base.tieWordEmbeddings).byName;
  const minuends = canonicalTensors(tuned.tensors, tuned.tieWordEmbeddings).byName;
  return new Map(
    [...minuends].flatMap(([name, entry]) => {
      const subtrahend = subtrahends.get(name);
      return subtrahend === undefined ? [] : [[name, [entry, subtrahend]] as const];
    }),
  );
}

function toShardJobs(layout: readonly DeltaShard[], pairs: Pairs): readonly ShardJob[] {
  return layout.map(({ fileName, tensors }) => ({
    fileName,
    header: serializeHeader(tensors, { format: 'regraft-delta' }),
    tensors: tensors.map(({ name, dtype, shape }) => ({
      name,
      dtype,
      count: elementCount(shape),
      sources: pairs.get(name) ?? [],
    })),
  }));
}

function toManifest(
  { parents }: DiffInput,
  facts: Facts,
  layout: readonly DeltaShard[],
  written: Pick<DeltaManifest, 'norm' | 'shards' | 'fineTune'>,
): DeltaManifest {
  const tensors = layout.flatMap((shard) => shard.tensors);
  return {
    schema: DELTA_SCHEMA,
    parents: { tuned: parents.tuned, base: parents.base },
    architecture: facts.architecture,
    modelType: facts.modelType,
    shapeConfig: facts.shapeConfig,
    tied: facts.tied,
    tensorCount: tensors.length,
    parameterCount: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    norm: written.norm,
    dtypes: Object.fromEntries(tensors.map(({ name, dtype }) => [name, dtype])),
    vocabularyDigest: facts.vocabulary.kind === 'files' ? facts.vocabulary.digest : null,
    shards: written.shards,
    fineTune: written.fineTune,
  };
}

function toNorm(squares: number): number {
  if (Number.isFinite(squares)) return Math.sqrt(squares);
  const message =
    'The norm of the delta overflows float64, expected a finite norm; check the F64 inputs for absurd values.';
  throw new WeightsError('WEIGHTS_NON_FINITE', message, { tensors: [] });
}
