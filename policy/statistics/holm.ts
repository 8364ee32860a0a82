export interface HolmLevel {
  readonly rejected: boolean;
  /** The level that this p-value was held against. `rejected` is the same as p ≤ level. */
  readonly level: number;
}

/**
 * Holm's step-down procedure (1979): the smallest of m p-values is held against α/m, the next against α/(m − 1), and so
 * on; it ends at the first that is too large, and all later ones are held against the level it ended at. The probability
 * of any false rejection is at most α, whatever the tests have to do with one another. In the order of the input.
 */
export function holm(pValues: readonly number[], alpha: number): readonly HolmLevel[] {
  const order = pValues
    .map((p, index) => ({ p, index }))
    .sort((one, other) => one.p - other.p || one.index - other.index);
  const levels: HolmLevel[] = new Array<HolmLevel>(pValues.length);
  let stoppedAt: number | null = null;
  order.forEach(({ p, index }, rank) => {
    const level: number = stoppedAt ?? alpha / (order.length - rank);
    const rejected = stoppedAt === null && p <= level;
    if (!rejected) stoppedAt ??= level;
    levels[index] = { rejected, level };
  });
  return levels;
}
