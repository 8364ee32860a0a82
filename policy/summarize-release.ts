import type { ArmState } from '../contracts/lineage-state.ts';
import type { ArmSummary, EvaluatedStep, RunRecord } from '../contracts/run-record.schema.ts';
import { savingOver, stepsToTarget, type CurvePoint } from './steps-to-target.ts';

/** An arm that ended well, with the record of the run that did its work (its own, or the arm it shared with). */
export interface ArmWithRecord {
  readonly arm: ArmState;
  readonly recordDigest: string;
  readonly record: RunRecord;
}

/**
 * Compares the arms of one release on the target suite. The target is where plain fine-tuning ends: its final score and
 * its final loss. Without a plain arm there is nothing to compare with, and the fields are null.
 */
export function summarizeRelease(arms: readonly ArmWithRecord[]): readonly ArmSummary[] {
  const plain = arms.find(({ arm }) => arm.arm === 'plain')?.record;
  const target = plain === undefined ? null : targetOf(plain.final);
  const plainSteps = plain === undefined || target === null ? null : reach(plain, target).score;
  return arms.map(({ arm, record, recordDigest }) => {
    const reached = target === null ? { score: null, loss: null } : reach(record, target);
    return {
      arm: arm.arm,
      sharedWith: arm.sharedWith,
      recordDigest,
      targetScore: target?.score ?? null,
      stepsToTarget: reached.score,
      saving: savingOver(plainSteps, reached.score),
      stepsToTargetLoss: reached.loss,
      stepsCarried: arm.source?.steps ?? 0,
    };
  });
}

function targetOf(final: EvaluatedStep): { readonly score: number; readonly lossNats: number } | null {
  const suite = final.suites[0];
  return suite === undefined ? null : { score: suite.score, lossNats: suite.lossNats };
}

function reach(
  record: RunRecord,
  target: { readonly score: number; readonly lossNats: number },
): { readonly score: number | null; readonly loss: number | null } {
  const curve = (pick: (suite: EvaluatedStep['suites'][number]) => number): readonly CurvePoint[] =>
    record.evaluations.flatMap(({ step, suites }) =>
      suites[0] === undefined ? [] : [{ step, value: pick(suites[0]) }],
    );
  return {
    score: stepsToTarget(
      curve((suite) => suite.score),
      target.score,
      'up',
    ),
    loss: stepsToTarget(
      curve((suite) => suite.lossNats),
      target.lossNats,
      'down',
    ),
  };
}
