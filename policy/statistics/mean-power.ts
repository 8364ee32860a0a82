import { MOST_SAMPLES } from './fewest-samples.ts';
import { normalCdf, normalQuantile } from './normal.ts';

/** A one-sided test, at level `alpha`, of "the true mean is at most `bound`", with the standard deviation of one value. */
export interface MeanTestPlan {
  readonly bound: number;
  readonly alpha: number;
  readonly spread: number;
}

/** Probability that the test rejects when the true mean is `truth`: by the normal approximation. */
export function meanPower(samples: number, truth: number, { bound, alpha, spread }: MeanTestPlan): number {
  if (spread === 0) return truth > bound ? 1 : 0;
  return normalCdf(((truth - bound) * Math.sqrt(samples)) / spread - normalQuantile(1 - alpha));
}

/** The fewest samples for which it rejects with probability `target`; null where ten million are not enough. */
export function meanSampleSize(target: number, truth: number, { bound, alpha, spread }: MeanTestPlan): number | null {
  if (truth <= bound) return null;
  const needed = ((normalQuantile(1 - alpha) + normalQuantile(target)) * spread) / (truth - bound);
  const samples = Math.max(1, Math.ceil(needed * needed));
  return samples > MOST_SAMPLES ? null : samples;
}

/** The distance over the bound at which a true mean is noticed with probability `target`. */
export function noticedMean(samples: number, target: number, { alpha, spread }: Omit<MeanTestPlan, 'bound'>): number {
  return ((normalQuantile(1 - alpha) + normalQuantile(target)) * spread) / Math.sqrt(samples);
}
