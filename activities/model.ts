import { z } from 'zod';
import { sha256Schema } from '../contracts/artifact.schema.ts';
import { RegraftError } from '../contracts/error.ts';
import type { DeltaSource } from '../contracts/delta-source.ts';
import type { Release } from '../contracts/release.ts';
import type { RunKey } from '../contracts/run.ts';
import type { Metrics } from '../metrics/registry.ts';
import { apply, checkCompatible, diff, inspect, openModel } from '../weights/index.ts';
import { deltaParents } from './delta-parents.ts';
import { inScratch } from './in-scratch.ts';
import type { ArtifactStore, Workspace } from './ports.ts';
import { remember } from './remember.ts';
import { stageAtRim } from './rim.ts';

export interface ModelDeps {
  readonly store: ArtifactStore;
  readonly workspace: Workspace;
  readonly metrics: Metrics;
}

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

/** What an inspection found; `tunedDigest`: the fine-tune that the Δ was taken from, where one is known. */
export interface Inspection {
  readonly parameterCount: number;
  readonly tunedDigest: string | null;
}

/**
 * Looks at headers, config and tokenizer of the release, and of the models behind the Δ, before anything is spent.
 * @throws RegraftError INSPECT_REFUSED, or INSPECT_INCOMPATIBLE when only the Δ does not fit; with every reason at once.
 */
async function inspectRelease(deps: ModelDeps, input: InspectInput): Promise<Inspection> {
  const folder = await deps.store.materialize(input.release.digest);
  const report = await inspect(folder);
  const own = report.problems.map((problem) => problem.sentence);
  const { tunedDigest, problems } = await inspectSource(deps, input.source, folder);
  const reasons = [...own, ...problems];
  if (reasons.length > 0) {
    throw new RegraftError(
      own.length > 0 ? 'INSPECT_REFUSED' : 'INSPECT_INCOMPATIBLE',
      `Release ${input.release.name} cannot be used by arm ${input.key.arm}: ${reasons.join(' ')}`,
      { details: { reasons } },
    );
  }
  return { parameterCount: report.parameterCount, tunedDigest };
}

/** Whether the models behind a Δ fit a release. */
async function inspectSource(
  { store }: ModelDeps,
  source: DeltaSource | null,
  target: string,
): Promise<{ readonly tunedDigest: string | null; readonly problems: readonly string[] }> {
  if (source === null) return { tunedDigest: null, problems: [] };
  const parents = await deltaParents(store, source.deltaDigest);
  if (parents === null) return { tunedDigest: null, problems: [] };
  const [base, tuned] = await Promise.all([store.materialize(parents.base), store.materialize(parents.tuned)]);
  const problems = await checkCompatible({ base, tuned, target });
  return { tunedDigest: parents.tuned, problems: problems.map((problem) => problem.sentence) };
}

export interface RecycleInput {
  readonly key: RunKey;
  readonly target: string;
  readonly delta: string;
  /** λ; 1 unless given: the paper reports no search. */
  readonly scale?: number;
}

/** target + λΔ, streamed in threads of its own. Heartbeats parameters done. */
async function recycleModel(
  deps: ModelDeps,
  input: RecycleInput,
  signal: AbortSignal,
  onProgress: (details: unknown) => void,
): Promise<z.output<typeof recycledSchema>> {
  const { store, workspace } = deps;
  const { target: targetDigest, delta: deltaDigest, scale = 1 } = input;
  const key = { work: 'recycle', inputs: { target: targetDigest, delta: deltaDigest, scale } };
  const { value } = await remember(store, key, recycledSchema, async () => {
    const [target, delta] = await Promise.all([store.materialize(targetDigest), store.materialize(deltaDigest)]);
    return await inScratch(
      workspace,
      `recycle-${targetDigest.slice(0, 16)}-${deltaDigest.slice(0, 16)}-${String(scale)}`,
      async (out) => {
        await apply({ target, deltas: [{ folder: delta, scale }], out, onProgress, signal });
        const { files } = await openModel(out);
        const provenance = { kind: 'recycled', target: targetDigest, delta: deltaDigest, scale } as const;
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
