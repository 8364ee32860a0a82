/**
 * The checkpoints whose full state stays: the newest `last`, of which the very newest is where a resume would begin and
 * the one before it is what a resume falls back on. The models of all of them stay in the store, the best one's included.
 */
export function checkpointsToKeep(steps: readonly number[], last: number): ReadonlySet<number> {
  return new Set([...steps].sort((left, right) => right - left).slice(0, Math.max(last, 1)));
}
