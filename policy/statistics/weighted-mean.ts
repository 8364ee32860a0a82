/** Values that count by their weights; both as long. */
export interface WeightedValues {
  readonly values: Float64Array;
  /** Null: all count alike. Else each over 0. */
  readonly weights: Float64Array | null;
}

/** Σ weight · value ÷ Σ weight. */
export function weightedMean({ values, weights }: WeightedValues): number {
  let sum = 0;
  let total = 0;
  values.forEach((value, index) => {
    const weight = weights?.[index] ?? 1;
    sum += weight * value;
    total += weight;
  });
  return sum / total;
}

/**
 * The spread of one value as it matters to the weighted mean: its standard error is this ÷ √n. Null for fewer than two
 * values. Without weights it is the sample's standard deviation; with them, that of weight · (value − mean) ÷ mean weight.
 */
export function spreadOf({ values, weights }: WeightedValues): number | null {
  const count = values.length;
  if (count < 2) return null;
  const mean = weightedMean({ values, weights });
  let squares = 0;
  let total = 0;
  values.forEach((value, index) => {
    const weight = weights?.[index] ?? 1;
    squares += (weight * (value - mean)) ** 2;
    total += weight;
  });
  return Math.sqrt(squares / (count - 1)) / (total / count);
}
