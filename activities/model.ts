import { z } from 'zod';
import { sha256Schema } from '../contracts/artifact.schema.ts';
import { RegraftError } from '../contracts/error.ts';
import type { DeltaSource } from '../contracts/delta-source.ts';
import type { Release } from '../contracts/release.ts';
import type { RunKey } from '../contracts/run.ts';
import type { Metrics } from '../metrics/registry.ts';
import { apply, checkCompatible, diff, inspect, openModel } from '../weights/index.ts';
import type { ArtifactStore, Workspace } from './ports.ts';
import { remember } from './remember.ts';
import { stageAtRim } from './rim.ts';

export interface ModelDeps {
  readonly store: ArtifactStore;
  readonly workspace: Workspace;
  readonly metrics: Metrics;
}

/** λ of the paper: no search is reported, the coefficient is exactly 1. */
const SCALE = 1;

const recycledSchema = z.strictObject({ modelDigest: sha256Schema });
const differenceSchema = z.strictObject({ deltaDigest: sha256Schema, norm: z.number() });

/** Weight work on the `cpu` queue. Artifacts travel by digest; every one of these may run twice. */

export function createModelActivities(deps: ModelDeps) {
  return {
    inspectRelease: stageAtRim(deps.metrics, 'inspect', (input: InspectInput) => inspectRelease(deps, input)),
    recycleModel: stageAtRim(deps.metrics, 'recycle', (input: RecycleInput, scope) =>
      recycleModel(deps, input, scope.signal, scope.progress),
    ),
    differenceModel: stageAtRim(deps.metrics, 'difference', (input: DifferenceInput, scope) =>
      differenceModel(deps, input, scope.signal, scope.progress),
    ),
  };
}

export interface InspectInput {
  readonly key: RunKey;
  readonly release: Release;
  readonly source: DeltaSource | null;
}

/**
 * Looks at headers, config and tokenizer of the release, and of the models behind the Δ, before anything is spent.
 * @throws RegraftError INSPECT_REFUSED with every reason at once.
 */
async function inspectRelease(deps: ModelDeps, input: InspectInput): Promise<{ readonly parameterCount: number }> {
  const folder = await deps.store.materialize(input.release.digest);
  const report = await inspect(folder);
  const reasons = report.problems.map((problem) => problem.sentence);
  if (input.source !== null) {
    const delta = await deps.store.manifest(input.source.deltaDigest);
    if (delta.provenance.kind === 'difference') {
      const [base, tuned] = await Promise.all([
        deps.store.materialize(delta.provenance.base),
        deps.store.materialize(delta.provenance.tuned),
      ]);
      const problems = await checkCompatible({ base, tuned, target: folder });
      reasons.push(...problems.map((problem) => problem.sentence));
    }
  }
  if (reasons.length > 0) {
    throw new RegraftError(
      'INSPECT_REFUSED',
      `Release ${input.release.name} cannot be used by arm ${input.key.arm}: ${reasons.join(' ')}`,
      { details: { reasons } },
    );
  }
  return { parameterCount: report.parameterCount };
}

export interface RecycleInput {
  readonly key: RunKey;
  readonly target: string;
  readonly delta: string;
}

/** target + Δ, streamed in threads of its own. Heartbeats parameters done. */
async function recycleModel(
  deps: ModelDeps,
  input: RecycleInput,
  signal: AbortSignal,
  onProgress: (details: unknown) => void,
): Promise<z.output<typeof recycledSchema>> {
  const { store, workspace } = deps;
  const key = { work: 'recycle', inputs: { target: input.target, delta: input.delta, scale: SCALE } };
  const { value } = await remember(store, key, recycledSchema, async () => {
    const [target, delta] = await Promise.all([store.materialize(input.target), store.materialize(input.delta)]);
    return await inScratch(
      workspace,
      `recycle-${input.target.slice(0, 16)}-${input.delta.slice(0, 16)}`,
      async (out) => {
        await apply({ target, deltas: [{ folder: delta, scale: SCALE }], out, onProgress, signal });
        const { files } = await openModel(out);
        const provenance = { kind: 'recycled', target: input.target, delta: input.delta, scale: SCALE } as const;
        const manifest = await store.putFolder({ kind: 'model', folder: out, files, provenance, take: 'link', signal });
        return { modelDigest: manifest.digest };
      },
    );
  });
  return value;
}

export interface DifferenceInput {
  readonly key: RunKey;
  readonly tuned: string;
  readonly base: string;
}

/** Δ = tuned − base over all parameters, as an artifact. Heartbeats parameters done. */
async function differenceModel(
  deps: ModelDeps,
  input: DifferenceInput,
  signal: AbortSignal,
  onProgress: (details: unknown) => void,
): Promise<z.output<typeof differenceSchema>> {
  const { store, workspace } = deps;
  const parents = { tuned: input.tuned, base: input.base };
  const { value } = await remember(store, { work: 'difference', inputs: parents }, differenceSchema, async () => {
    const [tuned, base] = await Promise.all([store.materialize(input.tuned), store.materialize(input.base)]);
    return await inScratch(
      workspace,
      `difference-${input.tuned.slice(0, 16)}-${input.base.slice(0, 16)}`,
      async (out) => {
        const report = await diff({ tuned, base, out, parents, onProgress, signal });
        const files = report.outputs.map(({ path }) => path);
        const provenance = { kind: 'difference', ...parents } as const;
        const manifest = await store.putFolder({ kind: 'delta', folder: out, files, provenance, take: 'link', signal });
        return { deltaDigest: manifest.digest, norm: report.manifest.norm };
      },
    );
  });
  deps.metrics.deltaNorm.set(input.key, value.norm);
  return value;
}

/** Gives work a folder to make, and removes it afterwards, half-made or whole: another attempt has a folder of its own. */
async function inScratch<Value>(
  workspace: Workspace,
  key: string,
  work: (out: string) => Promise<Value>,
): Promise<Value> {
  const out = await workspace.scratch(key);
  try {
    return await work(out);
  } finally {
    await workspace.remove(out);
    await workspace.remove(`${out}.partial`);
  }
}
