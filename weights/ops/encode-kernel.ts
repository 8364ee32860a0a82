import { FLOAT_BYTES, type FloatDtype } from '../dtype.ts';

/**
 * Rounds `values[0..count)` once, from float64 to nearest even, into little-endian `dtype` at the start of `into`, and
 * returns how many of the written elements are not finite (NaN, infinities, and values beyond the dtype's range, which
 * become infinities as IEEE 754 says). -0 and subnormals are kept; NaN is written as the quiet NaN, without the
 * sign and payload that differ from machine to machine. `values` is not changed.
 *
 * BF16 and F16 go by way of float32 without rounding twice: both formats' midpoints are float32 values, so only a
 * float32 that lies on a midpoint can mislead, and there the float64 value decides.
 * Throws RangeError where a buffer is too short or `into` is not aligned to its elements.
 */
export function encodeInto(
  dtype: FloatDtype,
  values: Float64Array,
  count: number,
  into: Uint8Array<ArrayBuffer>,
): number {
  if (
    into.byteLength < count * FLOAT_BYTES[dtype] ||
    values.length < count ||
    into.byteOffset % FLOAT_BYTES[dtype] !== 0
  ) {
    throw new RangeError(`encode: ${String(count)} elements of ${dtype} do not fit the buffers given`);
  }
  switch (dtype) {
    case 'BF16':
      return encodeBf16(values, new Uint16Array(into.buffer, into.byteOffset, count));
    case 'F16':
      return encodeF16(values, new Uint16Array(into.buffer, into.byteOffset, count));
    case 'F32':
      return encodeF32(values, new Float32Array(into.buffer, into.byteOffset, count));
    case 'F64':
      return encodeF64(values, new Float64Array(into.buffer, into.byteOffset, count));
  }
}

function encodeF32(values: Float64Array, into: Float32Array): number {
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
  let nonFinite = 0;
  for (let i = 0; i < into.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) bits[i] = 0x7fc00000;
    else into[i] = value;
    if (!Number.isFinite(into[i])) nonFinite++;
  }
  return nonFinite;
}

function encodeF64(values: Float64Array, into: Float64Array): number {
  const bits = new BigUint64Array(into.buffer, into.byteOffset, into.length);
  let nonFinite = 0;
  for (let i = 0; i < into.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) bits[i] = 0x7ff8000000000000n;
    else into[i] = value;
    if (!Number.isFinite(value)) nonFinite++;
  }
  return nonFinite;
}

function encodeBf16(values: Float64Array, into: Uint16Array): number {
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  let nonFinite = 0;
  for (let i = 0; i < into.length; i++) {
    const value = values[i]!;
    single[0] = value;
    const rest = bits[0]! & 0xffff;
    let top = bits[0]! >>> 16;
    if (Number.isNaN(value)) top = 0x7fc0;
    else if (rest > 0x8000 || (rest === 0x8000 && roundsUp(value, single[0], top))) top++;
    if ((top & 0x7f80) === 0x7f80) nonFinite++;
    into[i] = top;
  }
  return nonFinite;
}

function encodeF16(values: Float64Array, into: Uint16Array): number {
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  let nonFinite = 0;
  for (let i = 0; i < into.length; i++) {
    const value = values[i]!;
    single[0] = value;
    const magnitude = halfMagnitude(value, single[0], bits[0]! & 0x7fffffff);
    if (magnitude >= 0x7c00) nonFinite++;
    into[i] = Number.isNaN(value) ? magnitude : ((bits[0]! >>> 16) & 0x8000) | magnitude;
  }
  return nonFinite;
}

/** The 15 bits of a half without its sign; `bits` are those of |single|, and single is `value` rounded to float32. */
function halfMagnitude(value: number, single: number, bits: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  if (bits >= 0x47800000) return 0x7c00; // 65536 and more
  const exponent = bits >>> 23;
  if (exponent < 102) return 0; // below half of the smallest subnormal, 2^-25
  const isNormal = exponent >= 113; // 2^-14 and more
  const significand = isNormal ? bits - 0x38000000 : (bits & 0x7fffff) | 0x800000;
  const dropped = isNormal ? 13 : 126 - exponent;
  const kept = significand >>> dropped;
  const rest = significand & ((1 << dropped) - 1);
  const half = 1 << (dropped - 1);
  return rest > half || (rest === half && roundsUp(value, single, kept)) ? kept + 1 : kept;
}

/** At a float32 that is a midpoint: the float64 value says on which side it lies; exactly on it, the even one wins. */
function roundsUp(value: number, single: number, kept: number): boolean {
  return value === single ? (kept & 1) === 1 : Math.abs(value) > Math.abs(single);
}
