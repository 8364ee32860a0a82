import type { EvaluatedStep } from '../contracts/run-record.schema.ts';

/**
 * The best of a run's evaluated models on its target suite (the first): highest score, then lowest loss, then the
 * earliest step. Step 0 counts: fine-tuning can hurt a good merge (paper, Table 4: 77.1 → 77.0).
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
  if (left.score !== right.score) return left.score > right.score;
  if (left.lossNats !== right.lossNats) return left.lossNats < right.lossNats;
  return candidate.step < best.step;
}
