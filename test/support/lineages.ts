import type { Arm } from '../../contracts/lineage-spec.schema.ts';
import type { ArmState, LineageState, Order, ReleaseState } from '../../contracts/lineage-state.ts';
import type { PublishedModel, RunResult } from '../../contracts/run.ts';
import { concludeRelease, endArm, observeRelease, startRelease, type ArmOutcome } from '../../policy/lineage/life.ts';
import { createLineage, findRelease } from '../../policy/lineage/state.ts';
import { AT, digestOf, makeRelease, makeResult, makeScore, makeSpec } from './lineage-values.ts';

/** An order of a person's. */
export const ADA: Order = { actor: 'ada', reason: 'the cluster is full' };

export const FAILED: ArmOutcome = {
  kind: 'failed',
  failure: { code: 'TRAINER_DIVERGED', message: 'the loss is not finite' },
};
export const CANCELLED: ArmOutcome = { kind: 'cancelled' };
export const succeeded = (fields: Partial<RunResult> = {}): ArmOutcome => ({
  kind: 'succeeded',
  result: makeResult(fields),
});

/** A lineage that has observed M1…Mn. */
export function lineageOf(count: number, fields: Readonly<Record<string, unknown>> = {}): LineageState {
  return observeAll(createLineage(makeSpec(fields)), ...Array.from({ length: count }, (_, index) => index + 1));
}

/** Takes releases in, in this order. */
export function observeAll(state: LineageState, ...numbers: readonly number[]): LineageState {
  return numbers.reduce((current, number) => observeRelease(current, makeRelease(number), AT).state, state);
}

/** Runs a release to its end; every arm that does work of its own ends as said. */
export function runRelease(
  state: LineageState,
  name: string,
  outcome: ArmOutcome | ((arm: ArmState) => ArmOutcome),
): LineageState {
  const started = startRelease(state, name);
  const working = entryAt(started, name).arms.filter(({ status }) => status === 'waiting');
  const ended = working.reduce(
    (current, arm) => endArm(current, name, arm.arm, typeof outcome === 'function' ? outcome(arm) : outcome),
    started,
  );
  return concludeRelease(ended, name, digestOf(`record of ${name}`), AT);
}

export function entryAt(state: LineageState, name: string): ReleaseState {
  const entry = findRelease(state, name);
  if (entry === undefined) throw new Error(`the lineage has no release ${name}`);
  return entry;
}

export function armAt(state: LineageState, name: string, arm: Arm): ArmState {
  const found = entryAt(state, name).arms.find((one) => one.arm === arm);
  if (found === undefined) throw new Error(`${name} has no arm ${arm}`);
  return found;
}

/** How every release stands, in family order: `M1 succeeded`. */
export function standings({ releases }: LineageState): readonly string[] {
  return releases.map(({ release, status }) => `${release.name} ${status}`);
}

/** What a release brought live. */
export function liveModel(release: string, candidate = `candidate of ${release}`): PublishedModel {
  return { release, candidateDigest: digestOf(candidate), suites: [makeScore()] };
}
