import type { FloatDtype } from '../dtype.ts';

/** Elements of a tensor whose sums are kept apart, so that the size of pieces changes no digit of a report. */
export const GRAIN = 65_536;

/** Lanes of every sum: element i of a grain is added to lane i mod 8, and the lanes are added in order at the end. */
export const LANES = 8;

/** The sums that `measure` keeps, in the order in which their lanes lie in memory (float64, LANES of each). */
export const SUMS = ['moved', 'target', 'error', 'previous', 'dot'] as const;

/** Bytes of the lanes of all sums. */
export const SUMS_BYTES = SUMS.length * LANES * 8;

/** Where four operands of one dtype lie; byte offsets in the kernel's memory, multiples of 16. `out` overlaps no operand. */
export interface RecycleOperands {
  readonly target: number;
  readonly tuned: number;
  readonly base: number;
  readonly out: number;
}

/** As RecycleOperands, with a stored F32 delta. */
export interface ApplyOperands {
  readonly target: number;
  readonly delta: number;
  readonly out: number;
}

/**
 * Arithmetic on one block of memory. Pointers are byte offsets in `memory`; those of float64 values are multiples of 8. Every
 * operation rounds as IEEE 754 says, to nearest even, and fuses no products, so that every kernel gives the same bits:
 * NaN, infinities, subnormals and the sign of zero included. A NaN is encoded as the quiet NaN without sign and payload; only
 * the sign and payload of a NaN among float64 values and sums are left to the machine. An operand that leaves the memory or
 * is not aligned as said throws RangeError, and nothing is written. Nothing is kept between calls: a call that is made
 * again with the same inputs writes the same bytes, and `measure` adds again.
 */
export interface Kernel {
  /** 'wasm' or 'typescript', for reports. */
  readonly name: string;
  readonly memory: ArrayBuffer;
  /** into[i] = source[i], widened: exact. `source` is little-endian `dtype`, at any even offset (F32 and F64: aligned). */
  readonly decode: (dtype: FloatDtype, source: number, count: number, into: number) => void;
  /** Rounds float64 values once into `dtype` at `into`, aligned to its elements; they may not overlap. */
  readonly encode: (dtype: FloatDtype, values: number, count: number, into: number) => void;
  /** into[i] = minuend[i] − subtrahend[i]; `into` may be either. */
  readonly subtract: (into: number, minuend: number, subtrahend: number, count: number) => void;
  /** into[i] = factor · values[i]; `into` may be `values`. */
  readonly scale: (into: number, factor: number, values: number, count: number) => void;
  /** into[i] = a[i] + b[i]; `into` may be either. */
  readonly add: (into: number, a: number, b: number, count: number) => void;
  /** into[i] = into[i] + fl(factor · values[i]). */
  readonly addScaled: (into: number, factor: number, values: number, count: number) => void;
  /** How many of the float64 values are not finite. */
  readonly countNonFinite: (values: number, count: number) => number;
  /** How many are not finite in `out` and finite in `reference`; both float64. */
  readonly countNewNonFinite: (out: number, reference: number, count: number) => number;
  /**
   * Adds `count` elements to the lanes at `sums`: moved += m², target += t², error += ((o − t) − m)², and where `previous`
   * is not 0: previous += p², dot += m · p. All float64; `out` is what was encoded, decoded again. Element 0 of a call goes to
   * lane 0: `count` is a multiple of LANES except at the end of a grain.
   */
  readonly measure: (
    sums: number,
    values: { readonly moved: number; readonly target: number; readonly out: number; readonly previous: number },
    count: number,
  ) => void;
  /**
   * out = target + scale · (tuned − base) for `count` elements that all have `dtype`, as decode, subtract, scale, add
   * and encode would. Returns how many outputs are not finite where the target is. Where `sums` is not 0, the lanes are added
   * to as `measure` would (without a previous delta). Null: this kernel has no faster way for the dtype, and nothing is written.
   */
  readonly recycle: (
    dtype: FloatDtype,
    operands: RecycleOperands,
    count: number,
    scale: number,
    sums: number,
  ) => number | null;
  /** As `recycle`, with the difference stored as F32: out = target + scale · delta; `dtype` is that of target and out. */
  readonly apply: (
    dtype: FloatDtype,
    operands: ApplyOperands,
    count: number,
    scale: number,
    sums: number,
  ) => number | null;
}
