/** More than anybody has. */
export const MOST_SAMPLES = 10_000_000;

/**
 * The fewest samples that are enough, found by doubling and halving; null where ten million are not. Where counting makes
 * a fine saw of a probability, a few more samples than these may be a little less sure.
 */
export function fewestSamples(enough: (samples: number) => boolean): number | null {
  let high = 1;
  while (!enough(high)) {
    high *= 2;
    if (high > MOST_SAMPLES) return null;
  }
  let low = Math.floor(high / 2);
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}
