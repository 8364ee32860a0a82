import { Bf16, F16 } from './element';
import { promoteHigh, promoteLow } from './lanes';
import { moveEight, moveOne } from './move';

export function applyBf16(target: usize, delta: usize, out: usize, count: usize, factor: f64, sums: usize): usize {
  return apply<Bf16>(target, delta, out, count, factor, sums);
}

export function applyF16(target: usize, delta: usize, out: usize, count: usize, factor: f64, sums: usize): usize {
  return apply<F16>(target, delta, out, count, factor, sums);
}

export function applyF32(target: usize, delta: usize, out: usize, count: usize, factor: f64, sums: usize): usize {
  return apply<f32>(target, delta, out, count, factor, sums);
}

// @ts-ignore: decorator
@inline function apply<T>(target: usize, delta: usize, out: usize, count: usize, factor: f64, sums: usize): usize {
  // Two loops, each without the other's branch.
  if (sums) return applyAll<T>(target, delta, out, count, factor, sums);
  return applyAll<T>(target, delta, out, count, factor, 0);
}

// @ts-ignore: decorator
@inline function applyAll<T>(target: usize, delta: usize, out: usize, count: usize, factor: f64, sums: usize): usize {
  const factors = f64x2.splat(factor);
  const whole = count & ~7;
  let nonFinite: usize = 0;
  for (let i: usize = 0; i < whole; i += 8) {
    const at = i * sizeof<T>();
    const low = v128.load(delta + (i << 2));
    const high = v128.load(delta + (i << 2), 16);
    const isStored = moveEight<T>(
      target + at,
      out + at,
      f64x2.mul(factors, promoteLow(low)),
      f64x2.mul(factors, promoteHigh(low)),
      f64x2.mul(factors, promoteLow(high)),
      f64x2.mul(factors, promoteHigh(high)),
      sums,
    );
    if (!isStored) nonFinite += applyEach<T>(target, delta, out, i, i + 8, factor, sums);
  }
  return nonFinite + applyEach<T>(target, delta, out, whole, count, factor, sums);
}

function applyEach<T>(
  target: usize, delta: usize, out: usize, from: usize, end: usize, factor: f64, sums: usize,
): usize {
  let nonFinite: usize = 0;
  for (let i = from; i < end; i++) {
    const m = factor * <f64>load<f32>(delta + (i << 2));
    const at = i * sizeof<T>();
    nonFinite += moveOne<T>(target + at, out + at, m, sums ? sums + ((i & 7) << 3) : 0);
  }
  return nonFinite;
}
