import { normalCdf, normalQuantile } from './normal.ts';
import { nextUint32, type RandomState } from './random.ts';
import { weightedMean, type WeightedValues } from './weighted-mean.ts';

const TWO_TO_32 = 4_294_967_296;

/** A bootstrap distribution of a mean, with what corrects it. */
export interface Bootstrap {
  readonly mean: number;
  /** Means of the resamples, ascending. */
  readonly resampled: Float64Array;
  /** How far the resampled means' median is off, in normal quantiles (z₀). */
  readonly bias: number;
  /** How the mean's standard error changes with the mean: from the jackknife. */
  readonly acceleration: number;
}

/**
 * Resamples the (weighted) mean with replacement, a value and its weight together; for intervals that are bias-corrected
 * and accelerated (BCa; Efron, JASA 82, 1987). The same state gives the same resamples. Time: resamples × values draws.
 *
 * @param values at least two that differ: a constant has no distribution.
 */
export function bootstrapMean(data: WeightedValues, resamples: number, random: RandomState): Bootstrap {
  const mean = weightedMean(data);
  const resampled = resampleMeans(data, resamples, random).sort();
  const below = countAtMost(resampled, mean, false) / resamples;
  const atMost = countAtMost(resampled, mean, true) / resamples;
  // Ties count half; a mean outside of all resamples is kept from an infinite correction.
  const share = Math.min(1 - 0.5 / resamples, Math.max(0.5 / resamples, (below + atMost) / 2));
  return { mean, resampled, bias: normalQuantile(share), acceleration: accelerationOf(data) };
}

/** The limit that the true mean is under with probability `alpha` only. `bootstrapPValue` ≤ alpha exactly for bounds under it. */
export function bootstrapLower({ resampled, bias, acceleration }: Bootstrap, alpha: number): number {
  const rank = Math.floor(resampled.length * adjustedShare(bias, acceleration, normalQuantile(alpha)));
  return resampled[Math.min(rank, resampled.length - 1)] ?? NaN;
}

/** The limit that the true mean is over with probability `alpha` only. */
export function bootstrapUpper({ resampled, bias, acceleration }: Bootstrap, alpha: number): number {
  const rank = Math.ceil(resampled.length * adjustedShare(bias, acceleration, normalQuantile(1 - alpha)));
  return resampled[Math.max(rank - 1, 0)] ?? NaN;
}

/**
 * One-sided p-value of "the true mean is at most `bound`": the level at which the lower limit would be the bound. 0: too
 * small to tell with so many resamples.
 */
export function bootstrapPValue({ resampled, bias, acceleration }: Bootstrap, bound: number): number {
  const count = countAtMost(resampled, bound, true);
  if (count === 0) return 0;
  if (count === resampled.length) return 1;
  const distance = normalQuantile(count / resampled.length) - bias;
  const shrink = 1 + acceleration * distance;
  if (shrink <= 0) return distance < 0 ? 0 : 1;
  return normalCdf(distance / shrink - bias);
}

/** Which share of the resampled means lies under the limit whose uncorrected normal quantile is z. */
function adjustedShare(bias: number, acceleration: number, z: number): number {
  const shift = bias + z;
  const shrink = 1 - acceleration * shift;
  if (shrink <= 0) return shift < 0 ? 0 : 1;
  return normalCdf(bias + shift / shrink);
}

function resampleMeans({ values, weights }: WeightedValues, resamples: number, random: RandomState): Float64Array {
  const count = values.length;
  const means = new Float64Array(resamples);
  const weighted = weights === null ? values : values.map((value, index) => value * (weights[index] ?? 1));
  const scale = count / TWO_TO_32;
  for (let resample = 0; resample < resamples; resample += 1) {
    let sum = 0;
    let total = count;
    if (weights === null) {
      for (let draw = 0; draw < count; draw += 1) sum += weighted[Math.floor(nextUint32(random) * scale)] ?? 0;
    } else {
      total = 0;
      for (let draw = 0; draw < count; draw += 1) {
        const index = Math.floor(nextUint32(random) * scale);
        sum += weighted[index] ?? 0;
        total += weights[index] ?? 0;
      }
    }
    means[resample] = sum / total;
  }
  return means;
}

/** From the means without one value each; 0 where they are all the same. */
function accelerationOf({ values, weights }: WeightedValues): number {
  let sum = 0;
  let total = 0;
  values.forEach((value, index) => {
    sum += value * (weights?.[index] ?? 1);
    total += weights?.[index] ?? 1;
  });
  const without = values.map((value, index) => {
    const weight = weights?.[index] ?? 1;
    return (sum - weight * value) / (total - weight);
  });
  const mean = without.reduce((all, one) => all + one, 0) / without.length;
  const squares = without.reduce((all, one) => all + (mean - one) ** 2, 0);
  const cubes = without.reduce((all, one) => all + (mean - one) ** 3, 0);
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/** How many of the ascending numbers are under the bound, or at most it. */
function countAtMost(ascending: Float64Array, bound: number, inclusive: boolean): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const value = ascending[middle] ?? NaN;
    if (value < bound || (inclusive && value === bound)) low = middle + 1;
    else high = middle;
  }
  return low;
}
