import { bisect } from './bisect.ts';
import type { Flips } from './mcnemar.ts';
import { normalCdf, normalQuantile } from './normal.ts';

/** Outcomes of one set of samples under two models: right and wrong only. */
export interface PairedCounts extends Flips {
  /** All samples, changed or not. */
  readonly samples: number;
}

/**
 * Tango's score statistic for paired shares (Statistics in Medicine 17, 1998): how many standard errors the difference
 * (positive − negative) ÷ samples lies above `bound`, the standard error being what it would be if the bound were true.
 * Unlike an error estimated from the flips it is not 0 without flips: n equal pairs leave z = √(n·m ÷ (1 − m)) over a
 * bound of −m. Falls as the bound rises. Counts need not be whole (expected ones plan a sample size).
 */
export function tangoStatistic({ negative, positive, samples }: PairedCounts, bound: number): number {
  if (bound <= -1) return Infinity;
  if (bound >= 1) return -Infinity;
  // The most likely probability of a negative flip under the bound is the larger root of A·q² + B·q + C.
  const a = 2 * samples;
  const b = -positive - negative + (2 * samples - positive + negative) * bound;
  const c = -negative * bound * (1 - bound);
  const root = Math.sqrt(Math.max(0, b * b - 4 * a * c));
  const chance = b > 0 ? (-2 * c) / (b + root) : (root - b) / (2 * a);
  const variance = samples * (2 * chance + bound * (1 - bound));
  const distance = positive - negative - samples * bound;
  if (variance <= 0) return distance === 0 ? 0 : distance * Infinity;
  return distance / Math.sqrt(variance);
}

/** One-sided p-value of "the true difference is at most `bound`". */
export function tangoPValue(counts: PairedCounts, bound: number): number {
  return normalCdf(-tangoStatistic(counts, bound));
}

/** The bounds that the test at `alpha` rejects end here: p ≤ alpha exactly for bounds at or under it. */
export function tangoLower(counts: PairedCounts, alpha: number): number {
  const z = normalQuantile(1 - alpha);
  const difference = (counts.positive - counts.negative) / counts.samples;
  return bisect(-1, difference, (bound) => tangoStatistic(counts, bound) >= z);
}

/** The upper limit, by turning the models round. */
export function tangoUpper({ negative, positive, samples }: PairedCounts, alpha: number): number {
  return -tangoLower({ negative: positive, positive: negative, samples }, alpha);
}
