import type { Dtype } from '../../dtype.ts';
import type { Problem } from '../problem.ts';

/** A tensor's kind; its place does not matter here. */
export interface TensorShape {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** What an adapter does to one tensor of the model. */
export type AdapterDelta =
  /** Δ = scale · (B·A), or scale · (B·A)ᵀ where `transposed`; `a` and `b` are names in the adapter. */
  | {
      readonly kind: 'low-rank';
      readonly a: string;
      readonly b: string;
      readonly rank: number;
      readonly scale: number;
      readonly transposed: boolean;
    }
  /** The fine-tune's tensor as a whole: Δ = it − the base's. */
  | { readonly kind: 'saved'; readonly tensor: string };

/** A plan, or every reason why there is none. */
export type AdapterOutcome =
  | {
      readonly kind: 'plan';
      /** By canonical tensor name, in the model's order. */
      readonly deltas: ReadonlyMap<string, AdapterDelta>;
      /**
       * Canonical tensor name -> the adapter's copy of the base's tensor: PEFT stores one of an adapted embedding or head.
       * Nothing is computed from it; where it differs from the base that is given, that is not the adapter's base.
       */
      readonly baseCopies: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };
