import type { LinePoint } from '../../contracts/connectivity.schema.ts';

/**
 * The loss barrier of a line: how far the loss rises above the straight line between the losses of its ends, at its
 * highest point, in nats; 0 when it never does. Two models are linearly connected when there is none (Frankle et al. 2020;
 * with the ends' losses interpolated as in Entezari et al. 2022, since the two ends need not be equally good).
 *
 * @param points at least two; the first lies at 0, the last at 1.
 */
export function barrierNats(points: readonly LinePoint[]): number {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) throw new RangeError('a line has two ends');
  const rises = points.map(({ at, lossNats }) => lossNats - ((1 - at) * first.lossNats + at * last.lossNats));
  return Math.max(0, ...rises);
}
