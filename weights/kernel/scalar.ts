// One element at a time: the tail of every loop, and the whole of it where eight lanes at once could go wrong.

// @ts-ignore: decorator
@inline export function widenBf16(bits: u32): f64 {
  return <f64>reinterpret<f32>(bits << 16);
}

/** Placed in a float32's fields a half reads 2^112 times too small, subnormals included; the product is exact. */
export function widenF16(bits: u32): f64 {
  const magnitude = (bits & 0x7fff) << 13;
  const sign = (bits & 0x8000) << 16;
  if (magnitude >= 0x0f800000) return <f64>reinterpret<f32>(sign | magnitude | 0x7f800000);
  return <f64>(reinterpret<f32>(sign | magnitude) * reinterpret<f32>(0x77800000));
}

/**
 * Rounds once to nearest even. The midpoints between BF16 values are float32 values and rounding to float32 keeps order, so
 * only a float32 that lies on a midpoint without being the value itself can mislead: there the value decides.
 */
export function narrowBf16(value: f64): u32 {
  if (value != value) return 0x7fc0;
  const single = <f32>value;
  const bits = reinterpret<u32>(single);
  const kept = bits >> 16;
  const rest = bits & 0xffff;
  if (rest == 0x8000) return kept + roundsUp(value, single, kept);
  return kept + u32(rest > 0x8000);
}

/** As narrowBf16; 13 bits of the float32 are dropped, and more of a subnormal half. */
export function narrowF16(value: f64): u32 {
  if (value != value) return 0x7e00;
  const single = <f32>value;
  const bits = reinterpret<u32>(single);
  const sign = (bits >> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and more
  const exponent = magnitude >> 23;
  if (exponent < 102) return sign; // below half of the smallest subnormal, 2^-25
  const isNormal = exponent >= 113; // 2^-14 and more
  const significand = isNormal ? magnitude - 0x38000000 : (magnitude & 0x7fffff) | 0x800000;
  const dropped: u32 = isNormal ? 13 : 126 - exponent;
  const kept = significand >> dropped;
  const rest = significand & ((1 << dropped) - 1);
  const half: u32 = 1 << (dropped - 1);
  if (rest == half) return sign | (kept + roundsUp(value, single, kept));
  return sign | (kept + u32(rest > half));
}

/** At a float32 that is a midpoint: the value says on which side it lies; exactly on it, the even neighbour wins. */
// @ts-ignore: decorator
@inline function roundsUp(value: f64, single: f32, kept: u32): u32 {
  return value == <f64>single ? kept & 1 : u32(abs(value) > abs(<f64>single));
}

// @ts-ignore: decorator
@inline export function narrowF32(value: f64): u32 {
  return value != value ? 0x7fc00000 : reinterpret<u32>(<f32>value);
}

// @ts-ignore: decorator
@inline export function isFinite64(value: f64): bool {
  return value - value == 0;
}
