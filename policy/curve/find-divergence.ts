import type { CurveEvaluation } from '../../contracts/curve.schema.ts';

export interface DivergenceRule {
  /** Evaluations in a row whose loss has to be risen. */
  readonly evaluations: number;
  /** How far over its lowest, as a share of it. */
  readonly lossRise: number;
}

/** A rise under this is no divergence, however small the lowest loss was, nats. */
const LEAST_RISE_NATS = 0.1;
/** Training losses are compared block by block: single steps differ by their samples. */
const BLOCK_STEPS = 20;
/** Median absolute deviations of a normal spread: 3 × 1.4826 of them is three standard deviations. */
const SPREAD_FACTOR = 3 * 1.4826;

/**
 * Whether the loss rises beyond noise. On evaluations: the newest are all over the lowest by the rise, while the score fell
 * beyond its standard error from what it was there (a score that holds while the loss rises is overconfidence, not
 * divergence). On training losses: the median of the newest 20 steps is over the lowest median of 20 earlier ones by the
 * rise, and by three standard deviations of those. In a sentence, or null.
 *
 * @param points ascending by step.
 * @param trainingLosses of the newest steps, one a step, ascending, nats; empty where they are not known.
 */
export function findDivergence(
  points: readonly CurveEvaluation[],
  trainingLosses: readonly number[],
  rule: DivergenceRule,
): string | null {
  return onEvaluations(points, rule) ?? onTraining(trainingLosses, rule);
}

function onEvaluations(points: readonly CurveEvaluation[], { evaluations, lossRise }: DivergenceRule): string | null {
  const measured = points.flatMap((point) =>
    isFiniteLoss(point.lossNats) ? [{ ...point, lossNats: point.lossNats }] : [],
  );
  const newest = measured.slice(-evaluations);
  const before = measured.slice(0, -evaluations);
  const [first, ...rest] = before;
  if (first === undefined || newest.length < evaluations) return null;
  const lowest = rest.reduce((best, point) => (point.lossNats < best.lossNats ? point : best), first);
  const limit = lowest.lossNats + Math.max(lossRise * lowest.lossNats, LEAST_RISE_NATS);
  const scoreLimit = lowest.score - (lowest.standardError ?? 0);
  // A score near 0 has nowhere to fall to: there the loss alone tells.
  const isWorse = (score: number): boolean => score < scoreLimit || scoreLimit <= 0;
  if (!newest.every(({ lossNats, score }) => lossNats > limit && isWorse(score))) return null;
  const last = newest.at(-1) ?? lowest;
  return `the loss was over ${limit.toFixed(3)} nats in the last ${String(evaluations)} evaluations, ${last.lossNats.toFixed(3)} at step ${String(last.step)} with a score of ${last.score.toFixed(3)}, after ${lowest.lossNats.toFixed(3)} with ${lowest.score.toFixed(3)} at step ${String(lowest.step)}`;
}

function onTraining(losses: readonly number[], { lossRise }: DivergenceRule): string | null {
  const newest = losses.slice(-BLOCK_STEPS);
  const blocks: (readonly number[])[] = [];
  for (let end = losses.length - BLOCK_STEPS; end >= BLOCK_STEPS; end -= BLOCK_STEPS) {
    blocks.push(losses.slice(end - BLOCK_STEPS, end));
  }
  const [first, ...rest] = blocks;
  if (first === undefined) return null;
  const lowest = rest.reduce((best, block) => (median(block) < median(best) ? block : best), first);
  const [low, now] = [median(lowest), median(newest)];
  const spread = median(lowest.map((loss) => Math.abs(loss - low)));
  if (now <= low + Math.max(lossRise * low, LEAST_RISE_NATS, SPREAD_FACTOR * spread)) return null;
  return `the training loss of the last ${String(BLOCK_STEPS)} steps has median ${now.toFixed(3)} nats, after ${low.toFixed(3)}`;
}

function isFiniteLoss(loss: number | null): loss is number {
  return loss !== null && Number.isFinite(loss);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2;
}
