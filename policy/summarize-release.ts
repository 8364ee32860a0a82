import type { TargetMeasurement } from '../contracts/curve.schema.ts';
import type { ArmState } from '../contracts/lineage-state.ts';
import type { ArmSummary, EvaluatedStep, RunRecord, SuiteScore } from '../contracts/run-record.schema.ts';
import { savingOver, stepsToTarget, type CurvePoint } from './steps-to-target.ts';

/** An arm that ended well, with the record of the run that did its work (its own, or the arm it shared with). */
export interface ArmWithRecord {
  readonly arm: ArmState;
  readonly recordDigest: string;
  readonly record: RunRecord;
}

/**
 * Compares the arms of one release on the target suite. The target score is where plain fine-tuning ends at this release;
 * without a plain arm, where the production arm of the release before ended. Every summary says which. With neither there
 * is nothing to compare with. The target loss is plain's final loss; losses on different bases are not compared.
 *
 * @param previous record of the production arm's newest success before this release; null when there is none.
 */
export function summarizeRelease(arms: readonly ArmWithRecord[], previous: RunRecord | null): readonly ArmSummary[] {
  const plain = arms.find(({ arm }) => arm.arm === 'plain')?.record ?? null;
  return arms.map(({ arm, record, recordDigest }) => ({
    arm: arm.arm,
    sharedWith: arm.sharedWith,
    recordDigest,
    target: measureTarget(record, plain, previous),
    stepsToTargetLoss: stepsToLoss(record, plain),
    stepsCarried: arm.source?.steps ?? 0,
  }));
}

function measureTarget(
  record: RunRecord,
  plain: RunRecord | null,
  previous: RunRecord | null,
): TargetMeasurement | null {
  const held = plain ?? previous;
  if (held === null || !isAlike(held.final, record.final)) return null;
  const { score } = targetOf(held.final);
  const ownSteps = stepsToTarget(scores(held), score, 'up');
  const steps = stepsToTarget(scores(record), score, 'up');
  const kind = plain === null ? 'previous' : 'plain';
  return {
    reference: { kind, release: held.release.name, score, steps: ownSteps },
    steps,
    saving: savingOver(ownSteps, steps),
  };
}

function stepsToLoss(record: RunRecord, plain: RunRecord | null): number | null {
  const target = plain === null ? null : targetOf(plain.final).lossNats;
  if (target === null) return null;
  const losses = record.evaluations.flatMap((evaluated): CurvePoint[] => {
    const { lossNats } = targetOf(evaluated);
    return lossNats === null ? [] : [{ step: evaluated.step, value: lossNats }];
  });
  return stepsToTarget(losses, target, 'down');
}

function scores({ evaluations }: RunRecord): readonly CurvePoint[] {
  return evaluations.map((evaluated) => ({ step: evaluated.step, value: targetOf(evaluated).score }));
}

/** A spec may have named another suite since. */
function isAlike(one: EvaluatedStep, other: EvaluatedStep): boolean {
  const [left, right] = [targetOf(one), targetOf(other)];
  return left.suiteDigest === right.suiteDigest && left.harnessDigest === right.harnessDigest;
}

function targetOf({ suites }: EvaluatedStep): SuiteScore {
  const [target] = suites;
  if (target === undefined) throw new RangeError('an evaluated step has no suite');
  return target;
}
