import { basename, join } from 'node:path';
import { WeightsError } from '../errors.ts';
import { findProblems } from '../plan/compatibility.ts';
import { DELTA_SCHEMA, type DeltaManifest, type OutputFile } from '../plan/delta-manifest.ts';
import { elementCount } from '../plan/model.ts';
import { planDelta, type DeltaPlan } from '../plan/plan-delta.ts';
import { IncompatibleError } from '../plan/problem.ts';
import { introducedRows } from '../plan/vocabulary/introduced-rows.ts';
import { planVocabulary } from '../plan/vocabulary/plan-vocabulary.ts';
import type { RowRange } from '../plan/vocabulary/types.ts';
import type { WorkOptions } from './engine/run-plan.ts';
import { makeOutputs, type ComputedOutput } from './make-outputs.ts';
import { contentDigest } from './model-digest.ts';
import type { FineTune } from './fine-tune.ts';
import { openFineTune } from './open-fine-tune.ts';
import type { OutputFolder } from './output-folder.ts';
import { addedTokensOf, generationConfigOf, openParticipant, type Participant } from './participant.ts';
import { createVocabularyReader } from './read-vocabulary.ts';

/** What to subtract from what, and where the delta goes. */
export interface DiffInput extends Omit<WorkOptions, 'digests' | 'health'> {
  /** A model folder, or the folder of a PEFT LoRA adapter. */
  readonly tuned: string;
  readonly base: string;
  /** A folder that does not exist yet. */
  readonly out: string;
  /** Digests by which the caller has pinned the two models; recorded, not checked. Default: computed from their files. */
  readonly parents?: { readonly tuned: string; readonly base: string };
  /** Data bytes of one delta file at most, unless a single tensor is larger. Default 5 GB. */
  readonly maxShardBytes?: number;
  /** Go on although `base` does not look like the parent of `tuned`. Default false. */
  readonly allowDistantBase?: boolean;
}

/** A written delta: its manifest, and every file of the folder. */
export interface DeltaReport {
  readonly manifest: DeltaManifest;
  readonly outputs: readonly OutputFile[];
}

/**
 * Δ = tuned − base over all parameters, as a folder that no model loader takes for a model. Operands BF16, F16, F32 or
 * F64; subtracted in float64; rounded once, to nearest even, to F32, or kept in F64 where an operand is F64. A tied embedding is
 * stored once; vocabulary rows are matched by token. Inputs are not changed; memory does not grow with the model. The same
 * weights give the same bytes, however they are sharded.
 *
 * Errors: WEIGHTS_INCOMPATIBLE (every problem), WEIGHTS_WRONG_BASE, WEIGHTS_NON_FINITE, WEIGHTS_OUTPUT_EXISTS,
 * WEIGHTS_OUTPUT_BUSY, WEIGHTS_SPACE_MISSING, WEIGHTS_ABORTED, WEIGHTS_ARGUMENT_INVALID, and those of `openModel`. Run twice, the
 * second run fails with WEIGHTS_OUTPUT_EXISTS; run again after it was stopped, it goes on where it was.
 */
export async function diff(input: DiffInput): Promise<DeltaReport> {
  const maxShardBytes = input.maxShardBytes ?? 5e9;
  if (!(maxShardBytes > 0)) {
    const message = `maxShardBytes: found ${String(maxShardBytes)}, expected more than 0; leave it out for 5 GB.`;
    throw new WeightsError('WEIGHTS_ARGUMENT_INVALID', message, { maxShardBytes });
  }
  const { base, tuned, plan, introduced } = await planDiff(input, maxShardBytes);
  if (input.allowDistantBase !== true) await tuned.assertParent(null);
  const parents = input.parents ?? {
    tuned: await contentDigest(input.tuned),
    base: await contentDigest(input.base),
  };
  const reports: DeltaReport[] = [];
  await makeOutputs(plan.work, [input.out], { ...input, digests: true, health: true }, async (folder, _, computed) => {
    const fineTune = await copyFineTune(folder, tuned);
    const shards = computed.files.map(toDigested);
    const manifest = toManifest({ base, tuned, plan, introduced, parents, computed, shards, fineTune });
    const json = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
    const outputs = [await folder.writeFile('delta.json', json), ...shards, ...fineTune];
    reports.push({ manifest, outputs });
    return outputs;
  });
  const [report] = reports;
  if (report === undefined) throw new RangeError('a delta was made without a report');
  return report;
}

interface PlannedDiff {
  readonly base: Participant;
  readonly tuned: FineTune;
  readonly plan: DeltaPlan;
  readonly introduced: readonly RowRange[];
}

async function planDiff(input: DiffInput, maxShardBytes: number): Promise<PlannedDiff> {
  const read = createVocabularyReader();
  const base = await openParticipant('base', input.base, read);
  const tuned = await openFineTune(input.tuned, base, { isExcluded: () => false, read });
  const vocabulary = planVocabulary({
    base: base.vocabulary,
    tuned: tuned.vocabulary,
    target: tuned.vocabulary,
    addedTokens: addedTokensOf(tuned.texts),
  });
  const problems = [
    ...findProblems(base.facts, []),
    ...tuned.problems,
    ...(vocabulary.kind === 'problems' ? vocabulary.problems : []),
  ];
  if (problems.length > 0 || vocabulary.kind === 'problems') throw new IncompatibleError(problems);
  const introduced = introducedRows(vocabulary.plan.segments);
  const { deltaOf, ownOf } = tuned;
  const plan = planDelta({
    base: base.tensors,
    deltaOf,
    ownOf,
    vocabulary: vocabulary.plan,
    maxShardBytes,
  });
  return { base, tuned, plan, introduced };
}

async function copyFineTune(folder: OutputFolder, { texts }: FineTune): Promise<readonly OutputFile[]> {
  const copied: OutputFile[] = [];
  for (const name of texts.files)
    copied.push(await folder.copyFile(`fine-tune/${basename(name)}`, join(texts.folder, name)));
  return copied;
}

interface Written extends PlannedDiff {
  readonly parents: { readonly tuned: string; readonly base: string };
  readonly computed: ComputedOutput;
  readonly shards: readonly OutputFile[];
  readonly fineTune: readonly OutputFile[];
}

function toManifest({ base, tuned, plan, introduced, parents, computed, shards, fineTune }: Written): DeltaManifest {
  const tensors = plan.shards.flatMap((shard) => shard.tensors);
  const { vocabulary } = tuned.vocabulary;
  return {
    schema: DELTA_SCHEMA,
    parents: { tuned: parents.tuned, base: parents.base },
    architecture: base.facts.architecture,
    modelType: base.facts.modelType,
    shapeConfig: tuned.model?.facts.shapeConfig ?? base.facts.shapeConfig,
    tied: base.facts.tied,
    tensorCount: tensors.length,
    parameterCount: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    norm: toNorm(computed),
    dtypes: Object.fromEntries(tensors.map(({ name, dtype }) => [name, dtype])),
    vocabularyDigest: vocabulary.kind === 'files' ? vocabulary.digest : null,
    introducedRows: introduced,
    configs: { tuned: tuned.config, base: base.model.config },
    baseGeneration: generationConfigOf(base.texts),
    shards,
    fineTune,
  };
}

function toNorm({ health }: ComputedOutput): number {
  const norm = health === null ? 0 : health.norm;
  if (norm !== null) return norm;
  const message =
    'The norm of the delta overflows float64, expected a finite norm; check the F64 inputs for absurd values.';
  throw new WeightsError('WEIGHTS_NON_FINITE', message, { tensors: [] });
}

/** A delta is always hashed while it is written. */
function toDigested({ path, sizeBytes, sha256 }: ComputedOutput['files'][number]): OutputFile {
  if (sha256 === null) throw new RangeError(`${path} was written without a digest`);
  return { path, sizeBytes, sha256 };
}
