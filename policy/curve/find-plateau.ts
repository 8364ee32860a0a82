import type { CurveEvaluation } from '../../contracts/curve.schema.ts';

/** A loss that falls by less than this share of itself over the window has stopped falling. */
const LOSS_STILL_FALLING = 0.01;

export interface PlateauRule {
  /** Evaluations in a row that have to be without improvement. */
  readonly evaluations: number;
  /** Least improvement that counts; undefined: one standard error of the best evaluation before the window. */
  readonly minImprovement?: number | undefined;
}

/**
 * Whether the newest evaluations brought nothing: their best score is over the best before them by no more than noise, and
 * their lowest loss is hardly under the lowest before. The loss counts because a score of right and wrong can lie still for
 * long before it rises; a score of 1 has nowhere to rise to. Evaluations of one run share their samples, so the noise of
 * a difference is smaller than that of two scores: one standard error is a cautious measure of it. In a sentence, or null.
 *
 * @param points ascending by step.
 */
export function findPlateau(points: readonly CurveEvaluation[], rule: PlateauRule): string | null {
  const window = points.slice(-rule.evaluations);
  const before = points.slice(0, -rule.evaluations);
  const [bestBefore, bestNow] = [highest(before), highest(window)];
  if (bestBefore === null || bestNow === null) return null;
  const improvement = bestNow.score - bestBefore.score;
  const noise = rule.minImprovement ?? bestBefore.standardError ?? 0;
  if (improvement > noise) return null;
  if (bestBefore.score < 1 && isLossFalling(before, window)) return null;
  const what = rule.minImprovement === undefined ? 'one standard error' : 'the least that counts';
  const gain = improvement > 0 ? `only ${improvement.toFixed(4)} over` : 'nothing over';
  return `the last ${String(rule.evaluations)} evaluations brought ${gain} the ${bestBefore.score.toFixed(3)} of step ${String(bestBefore.step)}; ${what} is ${noise.toFixed(4)}`;
}

function highest(points: readonly CurveEvaluation[]): CurveEvaluation | null {
  return points.reduce<CurveEvaluation | null>((best, point) => {
    if (!Number.isFinite(point.score)) return best;
    return best === null || point.score > best.score ? point : best;
  }, null);
}

function isLossFalling(before: readonly CurveEvaluation[], window: readonly CurveEvaluation[]): boolean {
  const lowest = (points: readonly CurveEvaluation[]): number =>
    Math.min(...points.flatMap(({ lossNats }) => (lossNats !== null && Number.isFinite(lossNats) ? [lossNats] : [])));
  const [then, now] = [lowest(before), lowest(window)];
  return Number.isFinite(then) && now < then * (1 - LOSS_STILL_FALLING);
}
