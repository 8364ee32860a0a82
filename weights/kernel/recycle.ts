import { Bf16, F16, loadFour, loadOne } from './element';
import {
  areFarBf16, lowerHalves, promoteHigh, promoteLow, roundBf16, upperHalves, widenFourBf16, widenLastFourBf16,
} from './lanes';
import { addMeasured } from './measure';
import { moveEight, moveOne } from './move';

export function recycleBf16(
  target: usize, tuned: usize, base: usize, out: usize, count: usize, factor: f64, sums: usize,
): usize {
  if (factor == 1 && sums) return recycleWholeMeasuredBf16(target, tuned, base, out, count, sums);
  if (factor == 1) return recycleWholeBf16(target, tuned, base, out, count);
  return recycle<Bf16>(target, tuned, base, out, count, factor, sums);
}

export function recycleF16(
  target: usize, tuned: usize, base: usize, out: usize, count: usize, factor: f64, sums: usize,
): usize {
  return recycle<F16>(target, tuned, base, out, count, factor, sums);
}

export function recycleF32(
  target: usize, tuned: usize, base: usize, out: usize, count: usize, factor: f64, sums: usize,
): usize {
  return recycle<f32>(target, tuned, base, out, count, factor, sums);
}

// @ts-ignore: decorator
@inline function recycle<T>(
  target: usize, tuned: usize, base: usize, out: usize, count: usize, factor: f64, sums: usize,
): usize {
  // Two loops, each without the other's branch.
  if (sums) return recycleAll<T>(target, tuned, base, out, count, factor, sums);
  return recycleAll<T>(target, tuned, base, out, count, factor, 0);
}

// @ts-ignore: decorator
@inline function recycleAll<T>(
  target: usize, tuned: usize, base: usize, out: usize, count: usize, factor: f64, sums: usize,
): usize {
  const factors = f64x2.splat(factor);
  const whole = count & ~7;
  let nonFinite: usize = 0;
  for (let i: usize = 0; i < whole; i += 8) {
    nonFinite += recycleEight<T>(target, tuned, base, out, i, factors, factor, sums);
  }
  return nonFinite + recycleEach<T>(target, tuned, base, out, whole, count, factor, sums);
}

/** λ = 1 without sums: in float32 wherever that cannot round, which is nearly everywhere. */
function recycleWholeBf16(target: usize, tuned: usize, base: usize, out: usize, count: usize): usize {
  const factors = f64x2.splat(1);
  const whole = count & ~15;
  let nonFinite: usize = 0;
  for (let i: usize = 0; i < whole; i += 16) {
    const at = i << 1;
    const t = v128.load(target + at);
    const f = v128.load(tuned + at);
    const b = v128.load(base + at);
    const nextT = v128.load(target + at, 16);
    const nextF = v128.load(tuned + at, 16);
    const nextB = v128.load(base + at, 16);
    if (v128.any_true(v128.or(areFarBf16(t, f, b), areFarBf16(nextT, nextF, nextB)))) {
      nonFinite += recycleEight<Bf16>(target, tuned, base, out, i, factors, 1, 0);
      nonFinite += recycleEight<Bf16>(target, tuned, base, out, i + 8, factors, 1, 0);
    } else {
      v128.store(out + at, recycleNearBf16(t, f, b));
      v128.store(out + at, recycleNearBf16(nextT, nextF, nextB), 16);
    }
  }
  return nonFinite + recycleEach<Bf16>(target, tuned, base, out, whole, count, 1, 0);
}

/** t + (f − b) of eight lanes of which none is far, rounded once. */
// @ts-ignore: decorator
@inline function recycleNearBf16(t: v128, f: v128, b: v128): v128 {
  const low = f32x4.add(widenFourBf16(t), f32x4.sub(widenFourBf16(f), widenFourBf16(b)));
  const high = f32x4.add(widenLastFourBf16(t), f32x4.sub(widenLastFourBf16(f), widenLastFourBf16(b)));
  return roundBf16(upperHalves(low, high), lowerHalves(low, high));
}

/**
 * λ = 1 with sums. Where nothing is far, Δ = f − b and the error (o − t) − Δ are float32 values too: all are whole multiples of the
 * smallest value's last bit, and |o − t| is below 2^(E+3), which is 24 bits. So the sums, in float64, are of the same numbers.
 */
function recycleWholeMeasuredBf16(
  target: usize, tuned: usize, base: usize, out: usize, count: usize, sums: usize,
): usize {
  const factors = f64x2.splat(1);
  const whole = count & ~7;
  let nonFinite: usize = 0;
  for (let i: usize = 0; i < whole; i += 8) {
    const at = i << 1;
    const t = v128.load(target + at);
    const f = v128.load(tuned + at);
    const b = v128.load(base + at);
    if (v128.any_true(areFarBf16(t, f, b))) {
      nonFinite += recycleEight<Bf16>(target, tuned, base, out, i, factors, 1, sums);
      continue;
    }
    const tLow = widenFourBf16(t);
    const tHigh = widenLastFourBf16(t);
    const mLow = f32x4.sub(widenFourBf16(f), widenFourBf16(b));
    const mHigh = f32x4.sub(widenLastFourBf16(f), widenLastFourBf16(b));
    const low = f32x4.add(tLow, mLow);
    const high = f32x4.add(tHigh, mHigh);
    const o = roundBf16(upperHalves(low, high), lowerHalves(low, high));
    v128.store(out + at, o);
    addFour(sums, mLow, tLow, widenFourBf16(o));
    addFour(sums + 32, mHigh, tHigh, widenLastFourBf16(o));
  }
  return nonFinite + recycleEach<Bf16>(target, tuned, base, out, whole, count, 1, sums);
}

/** Adds four elements to the four lanes at `lane`, given as float32. */
// @ts-ignore: decorator
@inline function addFour(lane: usize, m: v128, t: v128, o: v128): void {
  const error = f32x4.sub(f32x4.sub(o, t), m);
  addMeasured(lane, promoteLow(m), promoteLow(t), promoteLow(error));
  addMeasured(lane + 16, promoteHigh(m), promoteHigh(t), promoteHigh(error));
}

// @ts-ignore: decorator
@inline function recycleEight<T>(
  target: usize, tuned: usize, base: usize, out: usize, i: usize, factors: v128, factor: f64, sums: usize,
): usize {
  const at = i * sizeof<T>();
  const tunedLow = loadFour<T>(tuned + at);
  const tunedHigh = loadFour<T>(tuned + at + 4 * sizeof<T>());
  const baseLow = loadFour<T>(base + at);
  const baseHigh = loadFour<T>(base + at + 4 * sizeof<T>());
  const isStored = moveEight<T>(
    target + at,
    out + at,
    f64x2.mul(factors, f64x2.sub(promoteLow(tunedLow), promoteLow(baseLow))),
    f64x2.mul(factors, f64x2.sub(promoteHigh(tunedLow), promoteHigh(baseLow))),
    f64x2.mul(factors, f64x2.sub(promoteLow(tunedHigh), promoteLow(baseHigh))),
    f64x2.mul(factors, f64x2.sub(promoteHigh(tunedHigh), promoteHigh(baseHigh))),
    sums,
  );
  return isStored ? 0 : recycleEach<T>(target, tuned, base, out, i, i + 8, factor, sums);
}

function recycleEach<T>(
  target: usize, tuned: usize, base: usize, out: usize, from: usize, end: usize, factor: f64, sums: usize,
): usize {
  let nonFinite: usize = 0;
  for (let i = from; i < end; i++) {
    const at = i * sizeof<T>();
    const m = factor * (loadOne<T>(tuned + at) - loadOne<T>(base + at));
    nonFinite += moveOne<T>(target + at, out + at, m, sums ? sums + ((i & 7) << 3) : 0);
  }
  return nonFinite;
}
