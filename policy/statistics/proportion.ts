import { binomialCdf, binomialUpperTail } from './binomial.ts';
import { bisect } from './bisect.ts';
import { normalQuantile } from './normal.ts';

/**
 * Lower confidence limit of a share, one-sided: the largest share under which `count` successes or more have at most
 * probability `alpha`. Exact (Clopper and Pearson 1934); 0 for no success.
 */
export function exactLowerShare(count: number, trials: number, alpha: number): number {
  if (count === 0) return 0;
  return bisect(0, count / trials, (share) => binomialUpperTail(count, trials, share) <= alpha);
}

/** Upper confidence limit of a share, one-sided and exact; 1 when all are successes. */
export function exactUpperShare(count: number, trials: number, alpha: number): number {
  if (count === trials) return 1;
  return bisect(1, count / trials, (share) => binomialCdf(count, trials, share) <= alpha);
}

/** Wilson's score interval (1927) of a share, each side wrong with probability `alpha`: shorter than the exact one. */
export function wilsonInterval(
  count: number,
  trials: number,
  alpha: number,
): { readonly low: number; readonly high: number } {
  const z = normalQuantile(1 - alpha);
  const share = count / trials;
  const shrink = 1 + (z * z) / trials;
  const middle = (share + (z * z) / (2 * trials)) / shrink;
  const half = (z / shrink) * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
