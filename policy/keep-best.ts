import type { EvaluatedStep } from '../contracts/run-record.schema.ts';

/**
 * The best of a run's evaluated models by the gate's own metric, the score on the target suite (the first of the spec):
 * highest score, then lowest loss, then the earliest step. Higher is better in every unit; the loss decides only between
 * equal scores, where a saturated suite sees no difference, and only where both have one. Step 0 counts: fine-tuning can
 * hurt a good merge (paper, Table 4: 77.1 → 77.0). A score that is no number is never best beside one that is.
 *
 * @throws RangeError when nothing was evaluated: a programming error, never input.
 */
export function keepBest(evaluations: readonly EvaluatedStep[]): EvaluatedStep {
  if (evaluations.length === 0) throw new RangeError('nothing was evaluated');
  return evaluations.reduce((best, candidate) => (isBetter(candidate, best) ? candidate : best));
}

function isBetter(candidate: EvaluatedStep, best: EvaluatedStep): boolean {
  const [left, right] = [candidate.suites[0], best.suites[0]];
  if (left === undefined || right === undefined) throw new RangeError('an evaluated step has no suite');
  const [mine, theirs] = [ranked(left.score), ranked(right.score)];
  if (mine !== theirs) return mine > theirs;
  if (left.lossNats !== null && right.lossNats !== null && left.lossNats !== right.lossNats) {
    return left.lossNats < right.lossNats;
  }
  return candidate.step < best.step;
}

/** NaN compares with nothing; under everything it does no harm. */
function ranked(score: number): number {
  return Number.isNaN(score) ? -Infinity : score;
}
