import { binomialCdf } from './binomial.ts';

/** Samples whose outcome changed; the others say nothing about which model is better. */
export interface Flips {
  /** Right before, wrong now. */
  readonly negative: number;
  /** Wrong before, right now. */
  readonly positive: number;
}

/**
 * Exact two-sided p-value of "neither is better" (McNemar 1947, by the binomial): flips fall either way like a coin. 1
 * without flips. Conservative: with few flips the chance of a false alarm is well under the level.
 */
export function mcnemarChanged({ negative, positive }: Flips): number {
  return Math.min(1, 2 * binomialCdf(Math.min(negative, positive), negative + positive, 0.5));
}
