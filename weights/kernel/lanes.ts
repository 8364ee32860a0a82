// Eight elements at once. All arithmetic is in pairs of float64; a pair is rounded to float32 by the machine, and from there to
// 16 bits in whole numbers. Float32 keeps the order of the values and holds every midpoint between two BF16 or two F16 values,
// so rounding by way of it is right unless a float32 lies on a midpoint and is not the value itself: see `storeEight`.

// @ts-ignore: decorator
@inline export function promoteLow(singles: v128): v128 {
  return f64x2.promote_low_f32x4(singles);
}

// @ts-ignore: decorator
@inline export function promoteHigh(singles: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<u32>(singles, singles, 2, 3, 2, 3));
}

/** Rounds two pairs of float64 to four float32. */
// @ts-ignore: decorator
@inline export function demote(a: v128, b: v128): v128 {
  return v128.shuffle<u64>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2);
}

/** Whether one of eight float64 has bits that float32 has no room for. Where none has, all that float32 can hold as normal are exact. */
// @ts-ignore: decorator
@inline export function haveLowBits(s0: v128, s1: v128, s2: v128, s3: v128): bool {
  return v128.any_true(v128.and(v128.or(v128.or(s0, s1), v128.or(s2, s3)), i64x2.splat(0x1fffffff)));
}

/** Four BF16 in the first half of `halves`, as float32. */
// @ts-ignore: decorator
@inline export function widenFourBf16(halves: v128): v128 {
  return v128.shuffle<u16>(i16x8.splat(0), halves, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** The last four of eight BF16, as float32. (Lanes 4 to 7 of nothing but zeros: a shuffle that machines have, which 0 to 3 is not.) */
// @ts-ignore: decorator
@inline export function widenLastFourBf16(halves: v128): v128 {
  return v128.shuffle<u16>(i16x8.splat(0), halves, 4, 12, 5, 13, 6, 14, 7, 15);
}

/**
 * Lanes of BF16 in which float32 may not hold a + (b − c) without rounding, or not far below infinity. A lane's values are
 * whole multiples of the last bit of its smallest one, 2^(e−7), and their sums are below 2^(E+3), E being the exponent of its largest
 * one: with E − e ≤ 14 that is 24 bits at most. Float64 does not round them either, so both give the same bits.
 */
// @ts-ignore: decorator
@inline export function areFarBf16(a: v128, b: v128, c: v128): v128 {
  const exponent = i16x8.splat(0x7f80);
  const one = v128.and(a, exponent);
  const two = v128.and(b, exponent);
  const three = v128.and(c, exponent);
  const largest = i16x8.max_s(one, i16x8.max_s(two, three));
  const smallest = i16x8.min_s(one, i16x8.min_s(two, three));
  const isFar = i16x8.gt_s(i16x8.sub(largest, smallest), i16x8.splat(14 << 7));
  return v128.or(isFar, i16x8.gt_s(largest, i16x8.splat(0x7d80)));
}

/** The upper 16 bits of eight float32: BF16 before rounding. */
// @ts-ignore: decorator
@inline export function upperHalves(low: v128, high: v128): v128 {
  return v128.shuffle<u16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15);
}

/** The lower 16 bits of eight float32: what rounding to BF16 drops. */
// @ts-ignore: decorator
@inline export function lowerHalves(low: v128, high: v128): v128 {
  return v128.shuffle<u16>(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
}

/** Eight float32, given in halves, rounded to nearest even; lanes for which `isLargeBf16` holds are not meant. */
// @ts-ignore: decorator
@inline export function roundBf16(kept: v128, rest: v128): v128 {
  // Bit 15 of (rest + 0x7fff + the last bit kept) / 2 is what is carried.
  const bias = i16x8.add(v128.and(kept, i16x8.splat(1)), i16x8.splat(0x7ffe));
  return i16x8.add(kept, i16x8.shr_u(i16x8.avgr_u(rest, bias), 15));
}

/** Lanes whose BF16 may not be finite: rounding carries them over, or they are infinite or NaN already. */
// @ts-ignore: decorator
@inline export function isLargeBf16(kept: v128): v128 {
  return i16x8.gt_s(v128.and(kept, i16x8.splat(0x7fff)), i16x8.splat(0x7f7e));
}

/** Lanes that float32 holds as subnormal, or 0. */
// @ts-ignore: decorator
@inline export function isSmallBf16(kept: v128): v128 {
  return i16x8.lt_s(v128.and(kept, i16x8.splat(0x7fff)), i16x8.splat(0x80));
}

/** Lanes that lie on a midpoint between two BF16. */
// @ts-ignore: decorator
@inline export function isMidpointBf16(rest: v128): v128 {
  return i16x8.eq(rest, i16x8.splat(-0x8000));
}

/** Four F16 in 32 bits each, as float32; see widenF16 for one. */
// @ts-ignore: decorator
@inline export function widenFourF16(halves: v128): v128 {
  const magnitude = i32x4.shl(v128.and(halves, i32x4.splat(0x7fff)), 13);
  const sign = i32x4.shl(v128.and(halves, i32x4.splat(0x8000)), 16);
  const scaled = f32x4.mul(magnitude, i32x4.splat(0x77800000)); // 2^112
  const special = v128.or(magnitude, i32x4.splat(0x7f800000));
  return v128.or(sign, v128.bitselect(special, scaled, i32x4.gt_s(magnitude, i32x4.splat(0x0f7fffff))));
}

/** Four float32 rounded to F16 in 32 bits each; lanes for which `isUnusualF16` holds are not meant. */
// @ts-ignore: decorator
@inline export function roundF16(singles: v128): v128 {
  const magnitude = v128.and(singles, i32x4.splat(0x7fffffff));
  const rebiased = i32x4.sub(magnitude, i32x4.splat(0x38000000));
  const bias = i32x4.add(v128.and(i32x4.shr_u(rebiased, 13), i32x4.splat(1)), i32x4.splat(0xfff));
  const rounded = i32x4.shr_u(i32x4.add(rebiased, bias), 13);
  const sign = v128.and(i32x4.shr_u(singles, 16), i32x4.splat(0x8000));
  return v128.or(sign, v128.and(rounded, i32x4.ne(magnitude, i32x4.splat(0))));
}

/** Lanes of float32 that roundF16 is wrong for: subnormal as F16 and not 0, from 65504 on, infinite, NaN. */
// @ts-ignore: decorator
@inline export function isUnusualF16(singles: v128): v128 {
  const magnitude = v128.and(singles, i32x4.splat(0x7fffffff));
  const isSmall = v128.and(
    i32x4.lt_s(magnitude, i32x4.splat(0x38800000)), // 2^-14
    i32x4.ne(magnitude, i32x4.splat(0)),
  );
  return v128.or(isSmall, i32x4.gt_s(magnitude, i32x4.splat(0x477fdfff)));
}

/** Lanes of float32 that lie on a midpoint between two F16; lanes for which `isUnusualF16` holds are not meant. */
// @ts-ignore: decorator
@inline export function isMidpointF16(singles: v128): v128 {
  return i32x4.eq(v128.and(singles, i32x4.splat(0x1fff)), i32x4.splat(0x1000));
}

/** Lanes of float32 that are infinite or NaN. */
// @ts-ignore: decorator
@inline export function isSpecialF32(singles: v128): v128 {
  return i32x4.gt_s(v128.and(singles, i32x4.splat(0x7fffffff)), i32x4.splat(0x7f7fffff));
}
