import { dtypeBytes, type Dtype } from '../dtype.ts';
import type { TensorEntry } from '../plan/model.ts';
import type { FileConflict } from '../plan/plan-files.ts';
import type { Coverage } from '../plan/plan-move.ts';
import type { Problem } from '../plan/problem.ts';
import { assertScale } from '../plan/selection.ts';
import type { VocabularySummary } from '../plan/vocabulary/types.ts';
import { defaultThreads } from './engine/run-plan.ts';
import type { PreparedMove } from './prepare-move.ts';
import { planRecycle, type RecycleModels } from './recycle.ts';
import { toCounts, type ParameterCounts } from './write-moved-model.ts';

/** What `recycle` or `sweep` would do. */
export interface PlanInput extends RecycleModels {
  /** λ of every output; default [1]. */
  readonly outputScales?: readonly number[];
  /** Threads that the work would get; default: as in `recycle`. */
  readonly threads?: number;
}

/** An output tensor, and what would become of it. */
export interface PlannedTensorReport {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** λ in every output; null where the tensor gets no Δ. */
  readonly scales: readonly number[] | null;
  /** Parameters by what becomes of them. */
  readonly coverage: Coverage;
}

/** How many tensors there are of each dtype. */
export type DtypeCounts = Readonly<Partial<Record<Dtype, number>>>;

/** A plan, or every reason why there is none: then `problems` is not empty, and what follows from a plan is empty or null. */
export interface PlanReport {
  readonly problems: readonly Problem[];
  /** Of the first output. */
  readonly coverage: ParameterCounts | null;
  /** Whether the embedding is also the head: it gets Δ once. */
  readonly tied: boolean;
  /** `tuned` is null for an adapter. */
  readonly dtypes: Readonly<Record<'base' | 'target' | 'output', DtypeCounts>> & { readonly tuned: DtypeCounts | null };
  readonly vocabulary: VocabularySummary | null;
  readonly conflicts: readonly FileConflict[];
  /** Files of weights of one output. */
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Weights of all outputs together. */
  readonly diskBytes: number;
  /** Operands and results that all threads hold at a time; Node.js itself comes on top. */
  readonly memoryBytes: number;
  readonly tensors: readonly PlannedTensorReport[];
}

/**
 * Plans a recycle from headers, config.json and tokenizers: no weights are read, nothing is written. Errors: those of
 * `openModel`, WEIGHTS_ARGUMENT_INVALID. Whatever keeps the models from being added is in `problems`.
 */
export async function plan(input: PlanInput): Promise<PlanReport> {
  const scales = input.outputScales ?? [1];
  for (const scale of scales) assertScale(scale);
  const { outcome, opened, tuned } = await planRecycle(input, scales);
  const move = outcome.kind === 'plan' ? outcome.move : null;
  const report = {
    problems: outcome.kind === 'plan' ? [] : outcome.problems,
    tied: opened.target.facts.tied,
    dtypes: {
      tuned: tuned.model === null ? null : countDtypes(tuned.model.tensors.values()),
      base: countDtypes(opened.base.tensors.values()),
      target: countDtypes(opened.target.tensors.values()),
      output: countDtypes(move?.tensors ?? []),
    },
  };
  if (move === null) {
    const nothing = { coverage: null, vocabulary: null, conflicts: [], files: [], diskBytes: 0, memoryBytes: 0 };
    return { ...report, ...nothing, tensors: [] };
  }
  return { ...report, ...describe(move, input.threads ?? defaultThreads()) };
}

function describe(move: PreparedMove, threads: number): Omit<PlanReport, 'problems' | 'tied' | 'dtypes'> {
  const files = move.work.files.map(({ name, header, parts }) => ({
    path: name,
    sizeBytes: parts.reduce(
      (sum, { tensor, count }) => sum + count * dtypeBytes(move.work.tensors[tensor]?.dtype ?? 'F64'),
      header.byteLength,
    ),
  }));
  const [first] = move.coverage;
  return {
    coverage: first === undefined ? null : toCounts(first),
    ...{ vocabulary: move.vocabulary, conflicts: move.conflicts, files },
    diskBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) * move.work.outputs,
    memoryBytes: move.threadBytes * Math.max(1, Math.min(threads, files.length)),
    tensors: move.tensors.map(({ name, dtype, shape, scales, coverage }) => ({ name, dtype, shape, scales, coverage })),
  };
}

function countDtypes(tensors: Iterable<Pick<TensorEntry, 'dtype'>>): DtypeCounts {
  const counts: Partial<Record<Dtype, number>> = {};
  for (const { dtype } of tensors) counts[dtype] = (counts[dtype] ?? 0) + 1;
  return counts;
}
