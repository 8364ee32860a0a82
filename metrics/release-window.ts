import { MetricsError } from './metrics-error.ts';

/** Keeps count of which releases of a lineage still show series. */
export interface ReleaseWindow {
  /**
   * Notes that a release is about to be recorded and returns those to forget, oldest first, so that at most `keep` of
   * the lineage remain. A release that is touched again counts as new: what is being trained is never forgotten.
   */
  touch(lineage: string, release: string): readonly string[];
}

/**
 * A keeper of the `keep` most recently touched releases of each lineage: a lineage that lives for years would otherwise
 * add series for ever.
 * @throws METRICS_WINDOW_INVALID when `keep` is not a whole number from 1 on
 */
export function createReleaseWindow(keep = 8): ReleaseWindow {
  if (!Number.isInteger(keep) || keep < 1) {
    throw new MetricsError(
      'METRICS_WINDOW_INVALID',
      `release window: keep is ${String(keep)}, expected a whole number of releases from 1 on.`,
      { keep },
    );
  }
  const shown = new Map<string, readonly string[]>();
  return {
    touch(lineage, release) {
      const before = shown.get(lineage) ?? [];
      const after = [...before.filter((other) => other !== release), release];
      shown.set(lineage, after.slice(-keep));
      return after.slice(0, -keep);
    },
  };
}
