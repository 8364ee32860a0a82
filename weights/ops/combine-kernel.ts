import type { FloatDtype } from '../dtype.ts';

/**
 * tuned <- tuned - base over `count` float64 values, rounded to nearest even to float32 where `dtype` is 'F32'.
 * Overwrites `tuned` (scratch), leaves `base`. NaN and infinities propagate. Throws RangeError where lengths do not fit.
 */
export function subtractInto(tuned: Float64Array, base: Float64Array, count: number, dtype: FloatDtype): void {
  assertFits([tuned, base], count);
  const isSingle = dtype === 'F32';
  for (let i = 0; i < count; i++) {
    const difference = tuned[i]! - base[i]!;
    tuned[i] = isSingle ? Math.fround(difference) : difference;
  }
}

/**
 * target <- target + sum(scale · Δ) over `count` float64 values. The terms are summed first, in the order given, then added to the
 * target; no products are fused. Overwrites `target` and the first Δ (scratch). -0 + 0 is 0, as IEEE 754 says; with no
 * terms the target stays as it is, sign of zero included. Throws RangeError where lengths do not fit.
 */
export function addScaledInto(
  target: Float64Array,
  deltas: readonly Float64Array[],
  scales: readonly number[],
  count: number,
): void {
  assertFits([target, ...deltas], count);
  const sum = deltas[0];
  if (sum === undefined) return;
  for (let i = 0; i < count; i++) sum[i] = scales[0]! * sum[i]!;
  for (let term = 1; term < deltas.length; term++) {
    const delta = deltas[term]!;
    const scale = scales[term]!;
    for (let i = 0; i < count; i++) sum[i] = sum[i]! + scale * delta[i]!;
  }
  for (let i = 0; i < count; i++) target[i] = target[i]! + sum[i]!;
}

/** `sum` + the squares of `values[0..count)`, one after another in float64, so that pieces do not change the result. */
export function addSquares(sum: number, values: Float64Array, count: number): number {
  assertFits([values], count);
  let total = sum;
  for (let i = 0; i < count; i++) total += values[i]! * values[i]!;
  return total;
}

function assertFits(operands: readonly Float64Array[], count: number): void {
  if (operands.some((operand) => operand.length < count)) {
    throw new RangeError(`combine: ${String(count)} values do not fit the buffers given`);
  }
}
