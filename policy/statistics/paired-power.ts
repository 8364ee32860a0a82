import { binomialCdf, binomialPmf } from './binomial.ts';
import { bisect } from './bisect.ts';
import { fewestSamples } from './fewest-samples.ts';
import { mostCounted } from './most-counted.ts';
import { normalCdf, normalQuantile } from './normal.ts';
import { tangoStatistic } from './tango.ts';

/** Up to here every outcome is counted; beyond, the normal approximation is right to about 0.01. */
const EXACT_SAMPLES = 5_000;

/** What is assumed of two models whose outcomes are right or wrong. */
export interface PairedTruth {
  /** True difference of the shares, candidate − reference. */
  readonly difference: number;
  /** Share of samples on which they differ; raised to what the difference needs. */
  readonly discordance: number;
}

/** A one-sided test of "the difference is at most `bound`" by Tango's score at level `alpha`. */
export interface PairedTestPlan {
  readonly bound: number;
  readonly alpha: number;
}

/**
 * Probability that the test rejects, so that a check passes. Exact up to 5,000 samples: the sum over every number of flips
 * and every way they can fall.
 */
export function pairedPower(samples: number, truth: PairedTruth, plan: PairedTestPlan): number {
  const discordance = Math.min(1, Math.max(truth.discordance, Math.abs(truth.difference)));
  const negativeChance = (discordance - truth.difference) / 2;
  const positiveChance = (discordance + truth.difference) / 2;
  if (samples > EXACT_SAMPLES) return normalPower(samples, negativeChance, positiveChance, plan);
  const z = normalQuantile(1 - plan.alpha);
  const middle = samples * discordance;
  const reach = 8 * Math.sqrt(middle) + 8;
  const last = Math.min(samples, Math.floor(middle + reach));
  let power = 0;
  for (let flips = Math.max(0, Math.ceil(middle - reach)); flips <= last; flips += 1) {
    const negativeShare = discordance === 0 ? 0 : negativeChance / discordance;
    const most = mostCounted(flips, (negative) => {
      return tangoStatistic({ negative, positive: flips - negative, samples }, plan.bound) >= z;
    });
    power += binomialPmf(flips, samples, discordance) * binomialCdf(most, flips, negativeShare);
  }
  return Math.min(1, power);
}

/** The fewest samples for which the test rejects with probability `target`; null where ten million are not enough. */
export function pairedSampleSize(target: number, truth: PairedTruth, plan: PairedTestPlan): number | null {
  if (truth.difference <= plan.bound) return null;
  return fewestSamples((samples) => pairedPower(samples, truth, plan) >= target);
}

/**
 * The smallest true difference over the bound that the test notices with probability `target` on so many samples; null
 * where none up to 1 is.
 */
export function noticedDifference(
  samples: number,
  target: number,
  discordance: number,
  plan: PairedTestPlan,
): number | null {
  const missed = (difference: number): boolean => pairedPower(samples, { difference, discordance }, plan) < target;
  return missed(1) ? null : bisect(plan.bound, 1, missed);
}

function normalPower(samples: number, negativeChance: number, positiveChance: number, plan: PairedTestPlan): number {
  const difference = positiveChance - negativeChance;
  const spread = Math.sqrt((positiveChance + negativeChance - difference * difference) / samples);
  const expected = { negative: samples * negativeChance, positive: samples * positiveChance, samples };
  const statistic = tangoStatistic(expected, plan.bound);
  if (spread === 0) return statistic >= normalQuantile(1 - plan.alpha) ? 1 : 0;
  // The standard error that the test divides by is the bound's, not the truth's.
  const testError = (difference - plan.bound) / statistic;
  if (!Number.isFinite(testError)) return difference > plan.bound ? 1 : plan.alpha;
  return normalCdf((difference - plan.bound - normalQuantile(1 - plan.alpha) * testError) / spread);
}
