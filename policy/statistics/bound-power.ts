import { binomialCdf } from './binomial.ts';
import { fewestSamples } from './fewest-samples.ts';
import { mostCounted } from './most-counted.ts';

/**
 * Probability that so few of `samples` get worse that fewer than a share `margin` do at level `alpha`, when each gets worse
 * with probability `worse`. Exact.
 */
export function boundPower(samples: number, worse: number, margin: number, alpha: number): number {
  const most = mostCounted(samples, (count) => binomialCdf(count, samples, margin) <= alpha);
  return binomialCdf(most, samples, worse);
}

/** The fewest samples for which that probability reaches `target`; null where no number does. */
export function boundSampleSize(target: number, worse: number, margin: number, alpha: number): number | null {
  return worse >= margin ? null : fewestSamples((samples) => boundPower(samples, worse, margin, alpha) >= target);
}
