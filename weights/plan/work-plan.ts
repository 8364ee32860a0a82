import type { Dtype, FloatDtype } from '../dtype.ts';

/** A stretch of stored elements: the first one's place, and what they are. */
export interface Source {
  /** Absolute path of the file. */
  readonly path: string;
  /** The tensor that it belongs to, for messages. */
  readonly name: string;
  readonly dtype: FloatDtype;
  readonly offsetBytes: number;
}

/** A difference in a form that pieces of it can be computed from. */
export type Delta =
  /** The stored values themselves. */
  | { readonly kind: 'stored'; readonly values: Source }
  /** tuned − base. */
  | { readonly kind: 'pair'; readonly tuned: Source; readonly base: Source }
  | LowRankDelta;

/**
 * factor · (left · right), left [rows, rank] and right [rank, columns], summed over the rank in order, from `firstRow` on.
 * A matrix is stored row by row, or transposed.
 */
export interface LowRankDelta {
  readonly kind: 'low-rank';
  readonly left: Source;
  readonly isLeftTransposed: boolean;
  readonly right: Source;
  readonly isRightTransposed: boolean;
  readonly rows: number;
  readonly rank: number;
  readonly columns: number;
  readonly factor: number;
  readonly firstRow: number;
}

/** One summand of a moved tensor: a Δ, and its λ in every output. */
export interface Term {
  readonly delta: Delta;
  readonly scales: readonly number[];
}

/** What a stretch of output elements is made of; each element depends on the elements at its own place alone. */
export type Expression =
  /** The bytes as they are stored: any dtype. */
  | { readonly kind: 'copy'; readonly source: Omit<Source, 'dtype'> & { readonly dtype: Dtype } }
  /** Rounded once to the output's dtype. */
  | { readonly kind: 'convert'; readonly source: Source }
  | { readonly kind: 'zero' }
  /** target + Σ λ·Δ: the terms first, in order. Terms with λ = 0 are left out; with none left, the target's bytes. */
  | {
      readonly kind: 'move';
      readonly target: Source;
      readonly terms: readonly Term[];
      /** A Δ of before, to compare directions with; null: none. */
      readonly previous: Source | null;
    }
  /** The Δ itself. */
  | { readonly kind: 'difference'; readonly delta: Delta }
  /** (1 − w)·one + w·other, w by output. */
  | { readonly kind: 'blend'; readonly one: Source; readonly other: Source; readonly weights: readonly number[] };

/** A stretch of an output tensor. */
export interface Part {
  /** Index into the plan's tensors. */
  readonly tensor: number;
  /** Elements. */
  readonly count: number;
  readonly expression: Expression;
}

/** One output file: its first bytes, and the parts that follow, without holes. */
export interface FilePlan {
  readonly name: string;
  readonly header: Uint8Array;
  readonly parts: readonly Part[];
}

/** An output tensor, for reports. */
export interface PlannedTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** Everything that is computed in one pass over the inputs; each of the outputs has all of the files. */
export interface WorkPlan {
  readonly tensors: readonly PlannedTensor[];
  readonly files: readonly FilePlan[];
  /** How many outputs there are: one, unless several λ are tried in one pass. */
  readonly outputs: number;
}

/** Elements that a plan computes, once for all outputs. */
export function planElements(plan: WorkPlan): number {
  return plan.files.reduce((sum, { parts }) => sum + parts.reduce((all, { count }) => all + count, 0), 0);
}
