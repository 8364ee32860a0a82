// The dtypes as type arguments, so that every loop is written once. A type only picks the branches below while compiling.
import {
  demote, haveLowBits, isLargeBf16, isMidpointBf16, isMidpointF16, isSmallBf16, isSpecialF32, isUnusualF16, lowerHalves, promoteHigh, promoteLow,
  roundBf16, roundF16, upperHalves, widenFourBf16, widenFourF16,
} from './lanes';
import { narrowBf16, narrowF16, narrowF32, widenBf16, widenF16 } from './scalar';

export type Bf16 = u16;
export type F16 = i16;

/** Four elements at `at`, as float32: exact for the three dtypes that have it. */
// @ts-ignore: decorator
@inline export function loadFour<T>(at: usize): v128 {
  if (isFloat<T>()) return v128.load(at);
  if (isSigned<T>()) return widenFourF16(v128.load16x4_u(at));
  return widenFourBf16(v128.load64_zero(at));
}

/** The element at `at`, as float64: exact. */
// @ts-ignore: decorator
@inline export function loadOne<T>(at: usize): f64 {
  if (isFloat<T>()) return <f64>load<T>(at);
  if (isSigned<T>()) return widenF16(load<u16>(at));
  return widenBf16(load<u16>(at));
}

/** Rounds one float64 once into the element at `at`. */
// @ts-ignore: decorator
@inline export function storeOne<T>(at: usize, value: f64): void {
  if (sizeof<T>() == 8) store<u64>(at, value != value ? 0x7ff8000000000000 : reinterpret<u64>(value));
  else if (isFloat<T>()) store<u32>(at, narrowF32(value));
  else if (isSigned<T>()) store<u16>(at, narrowF16(value));
  else store<u16>(at, narrowBf16(value));
}

/**
 * Rounds eight float64 once into the elements at `at`, unless that could go wrong in one of the lanes: then it stores nothing and
 * returns false, and the caller does the eight with storeOne.
 *
 * Why the rest is right for 16 bits: rounding to float32 keeps order and every midpoint is a float32 value, so a value on one side
 * of a midpoint stays on that side or lands on the midpoint itself. Only there can rounding again differ, and only where
 * the float32 is not the value. Where none of the eight has bits below float32's, every value that is normal in
 * float32 is its float32, so midpoints may stay; among BF16's subnormals, which float32 holds as subnormal too, they may not.
 * What is infinite, NaN, or may be carried to infinity is left to storeOne, and so are F16's subnormals.
 */
// @ts-ignore: decorator
@inline export function storeEight<T>(at: usize, s0: v128, s1: v128, s2: v128, s3: v128): bool {
  const low = demote(s0, s1);
  const high = demote(s2, s3);
  if (isFloat<T>()) {
    if (v128.any_true(v128.or(isSpecialF32(low), isSpecialF32(high)))) return false;
    v128.store(at, low);
    v128.store(at, high, 16);
    return true;
  }
  const isLong = haveLowBits(s0, s1, s2, s3);
  if (isSigned<T>()) {
    let doubtful = v128.or(isUnusualF16(low), isUnusualF16(high));
    if (isLong) doubtful = v128.or(doubtful, v128.or(isMidpointF16(low), isMidpointF16(high)));
    if (v128.any_true(doubtful)) return false;
    v128.store(at, i16x8.narrow_i32x4_u(roundF16(low), roundF16(high)));
    return true;
  }
  const kept = upperHalves(low, high);
  const rest = lowerHalves(low, high);
  let misleading = isMidpointBf16(rest);
  if (!isLong) misleading = v128.and(misleading, isSmallBf16(kept));
  if (v128.any_true(v128.or(misleading, isLargeBf16(kept)))) return false;
  v128.store(at, roundBf16(kept, rest));
  return true;
}
