import type { FloatDtype } from '../../../weights/dtype.ts';

/** A format as IEEE 754 defines it, so that values and bits can be told apart in whole numbers. */
export interface Format {
  readonly dtype: FloatDtype;
  readonly bits: number;
  /** Significant bits, the hidden one included. */
  readonly precision: number;
  /** Exponent of the smallest subnormal. */
  readonly lowest: number;
  /** Bits of infinity, and of the NaN that is written. */
  readonly infinity: bigint;
  readonly nan: bigint;
}

export const BF16: Format = { dtype: 'BF16', bits: 16, precision: 8, lowest: -133, infinity: 0x7f80n, nan: 0x7fc0n };
export const F16: Format = { dtype: 'F16', bits: 16, precision: 11, lowest: -24, infinity: 0x7c00n, nan: 0x7e00n };
export const F32: Format = {
  dtype: 'F32',
  bits: 32,
  precision: 24,
  lowest: -149,
  infinity: 0x7f800000n,
  nan: 0x7fc00000n,
};
export const F64: Format = {
  dtype: 'F64',
  bits: 64,
  precision: 53,
  lowest: -1074,
  infinity: 0x7ff0000000000000n,
  nan: 0x7ff8000000000000n,
};

/** The value of a bit pattern, by the format's definition; exact, since float64 holds all of them. */
export function valueOf({ bits, precision, lowest, infinity }: Format, pattern: bigint): number {
  const sign = 1n << BigInt(bits - 1);
  const magnitude = pattern & (sign - 1n);
  if (magnitude > infinity) return NaN;
  const hidden = 1n << BigInt(precision - 1);
  const field = Number(magnitude / hidden);
  const significand = field === 0 ? magnitude : (magnitude % hidden) + hidden;
  const value = magnitude === infinity ? Infinity : Number(significand) * 2 ** (lowest + Math.max(field, 1) - 1);
  return (pattern & sign) === 0n ? value : -value;
}

/** The bits of a float64 rounded once to nearest even, in whole-number arithmetic. */
export function bitsOf({ bits, precision, lowest, infinity, nan }: Format, value: number): bigint {
  if (Number.isNaN(value)) return nan;
  const sign = Object.is(value, -0) || value < 0 ? 1n << BigInt(bits - 1) : 0n;
  if (!Number.isFinite(value)) return sign | infinity;
  const { significand, exponent } = exact(value);
  const unit = Math.max(exponent + significand.toString(2).length - precision, lowest);
  let steps: bigint;
  if (exponent >= unit) steps = significand << BigInt(exponent - unit);
  else {
    const divisor = 1n << BigInt(unit - exponent);
    const twice = 2n * (significand % divisor);
    steps = significand / divisor;
    if (twice > divisor || (twice === divisor && (steps & 1n) === 1n)) steps += 1n;
  }
  const magnitude = (BigInt(unit - lowest) << BigInt(precision - 1)) + steps;
  return sign | (magnitude < infinity ? magnitude : infinity);
}

/** |value| = significand · 2^exponent, exactly. */
function exact(value: number): { significand: bigint; exponent: number } {
  const bits = new BigUint64Array(new Float64Array([Math.abs(value)]).buffer)[0] ?? 0n;
  const field = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  return field === 0
    ? { significand: fraction, exponent: -1074 }
    : { significand: fraction | (1n << 52n), exponent: field - 1075 };
}
