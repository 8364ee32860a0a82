import type { Continuity } from '../contracts/training-ledger.schema.ts';
import type { TrainingStep } from '../contracts/training-step.schema.ts';

/**
 * Compares the steps that a resumed attempt trained again with what its predecessors had logged for them. On one kind of
 * CPU training repeats itself bit for bit (tolerance 0); a GPU adds in another order every time, so there, and after a
 * change of the micro-batch, losses may differ by the tolerance, relative to the loss before. The learning rate is a pure
 * function of the step: where it differs, the schedule began anew, whatever the losses say.
 */
export function compareReplay(
  before: readonly TrainingStep[],
  after: readonly TrainingStep[],
  tolerance: number,
): Continuity {
  const known = new Map(before.map((step) => [step.step, step]));
  let comparedSteps = 0;
  for (const now of after) {
    const then = known.get(now.step);
    if (then === undefined) continue;
    comparedSteps += 1;
    if (isSame(then, now, tolerance)) continue;
    const firstDifference = { step: now.step, before: then.lossNats, after: now.lossNats };
    return { verdict: 'broken', comparedSteps, tolerance, firstDifference };
  }
  const verdict = comparedSteps === 0 ? 'nothing to compare' : 'verified';
  return { verdict, comparedSteps, tolerance, firstDifference: null };
}

/** The worst of several verdicts: one broken resume breaks a training. */
export function worstContinuity(all: readonly Continuity[]): Continuity['verdict'] {
  if (all.some(({ verdict }) => verdict === 'broken')) return 'broken';
  return all.some(({ verdict }) => verdict === 'verified') ? 'verified' : 'nothing to compare';
}

function isSame(then: TrainingStep, now: TrainingStep, tolerance: number): boolean {
  if (then.learningRate !== now.learningRate) return false;
  return Math.abs(now.lossNats - then.lossNats) <= tolerance * Math.abs(then.lossNats);
}
