import { describe, expect, it } from 'vitest';
import type { LineageState } from '../../../contracts/lineage-state.ts';
import { noteLive, planRollback, rollBack, withheldBecause } from '../../../policy/lineage/live.ts';
import { AT, makeRelease } from '../../support/lineage-values.ts';
import { ADA, lineageOf, liveModel, observeAll } from '../../support/lineages.ts';

/** A lineage at which these releases went live, one after the other. */
const liveAt = (...numbers: readonly number[]): LineageState =>
  numbers.reduce((state, number) => noteLive(state, liveModel(`M${String(number)}`)), lineageOf(30));
/** Carries a rollback out, if there is one to carry out. */
function back(state: LineageState, release: string | null = null): LineageState {
  const plan = planRollback(state, release);
  return plan.kind === 'to' ? rollBack(state, plan.to, ADA, AT) : state;
}
const liveOf = ({ published }: LineageState): string | null => published?.release ?? null;

describe('withheldBecause', () => {
  it.each([
    [3, [], null],
    [3, [2], null],
    [3, [3], null],
    [2, [3], 'M3 is live, which is newer than M2'],
    [1, [2, 10], 'M10 is live, which is newer than M1'],
  ])('M%i after %j: %s', (release, live, because) => {
    expect(withheldBecause(liveAt(...live), makeRelease(release))).toBe(because);
  });

  it('asks what is live, not what was: after a rollback an older one than the newest may go live', () => {
    expect(withheldBecause(back(liveAt(1, 3)), makeRelease(2))).toBeNull();
  });

  it('lets anything go live where the live release is of no family that is known', () => {
    expect(withheldBecause(noteLive(lineageOf(1), liveModel('elsewhere')), makeRelease(1))).toBeNull();
  });
});

describe('planRollback', () => {
  it('is to what was live before, or to what a release brought', () => {
    expect(planRollback(liveAt(1, 2, 3), null)).toEqual({ kind: 'to', from: liveModel('M3'), to: liveModel('M2') });
    expect(planRollback(liveAt(1, 2, 3), 'M1')).toEqual({ kind: 'to', from: liveModel('M3'), to: liveModel('M1') });
  });

  it('is nothing where nothing is live, or was live before', () => {
    expect(planRollback(lineageOf(1), null)).toEqual({ kind: 'nothing-live' });
    expect(planRollback(lineageOf(1), 'M1')).toEqual({ kind: 'nothing-live' });
    expect(planRollback(liveAt(1), null)).toEqual({ kind: 'nothing-before', live: liveModel('M1') });
  });

  it('names what it knows where a release never went live', () => {
    expect(planRollback(liveAt(1, 3), 'M2')).toEqual({ kind: 'unknown', known: ['M1', 'M3'] });
  });

  it('is done where that is live already', () => {
    expect(planRollback(liveAt(1, 2), 'M2')).toEqual({ kind: 'already', live: liveModel('M2') });
  });

  it('changes nothing when it is ordered a second time', () => {
    const once = back(liveAt(1, 2, 3));
    expect(liveOf(once)).toBe('M2');
    expect(planRollback(once, null)).toEqual({ kind: 'already', live: liveModel('M2') });
    expect(back(once)).toBe(once);
  });

  it('never goes forward by itself, after a rollback further than one step', () => {
    const first = back(liveAt(1, 2, 3), 'M1');
    expect(planRollback(first, null)).toEqual({ kind: 'already', live: liveModel('M1') });
  });

  it('goes forward again to a release that is named', () => {
    expect(liveOf(back(back(liveAt(1, 2, 3)), 'M3'))).toBe('M3');
  });

  it('is to what was live just before, not to what was rolled back before that', () => {
    const fourth = noteLive(back(liveAt(1, 2, 3)), liveModel('M4'));
    expect(planRollback(fourth, null)).toMatchObject({ kind: 'to', to: { release: 'M2' } });
    expect(planRollback(fourth, 'M3')).toMatchObject({ kind: 'to', to: { release: 'M3' } });
  });

  it('takes a release’s newest candidate where it went live twice', () => {
    const twice = noteLive(noteLive(liveAt(1, 2), liveModel('M2', 'another')), liveModel('M3'));
    expect(planRollback(twice, 'M2')).toMatchObject({ to: liveModel('M2', 'another') });
  });

  it('knows the newest twenty, and the one before the newest however old it is', () => {
    const numbers = Array.from({ length: 25 }, (_, index) => index + 1);
    const state = liveAt(...numbers);
    expect(state.publications).toHaveLength(20);
    expect(planRollback(state, 'M5')).toMatchObject({ kind: 'unknown' });
    expect(planRollback(state, 'M6')).toMatchObject({ kind: 'to' });
    const next = noteLive(back(state, 'M6'), liveModel('M26'));
    expect(planRollback(next, null)).toMatchObject({ kind: 'to', to: { release: 'M6' } });
  });

  it('can go back in a state of before publications were kept', () => {
    const old: LineageState = { ...lineageOf(2), published: liveModel('M1') };
    expect(planRollback(old, null)).toMatchObject({ kind: 'nothing-before' });
    expect(planRollback(noteLive(old, liveModel('M2')), null)).toMatchObject({ to: { release: 'M1' } });
  });
});

describe('rollBack', () => {
  it('changes what is live, says who and why, and forgets nothing that was live', () => {
    const before = observeAll(liveAt(1, 2), 31);
    const state = rollBack(before, liveModel('M1'), ADA, AT);
    expect(state).toEqual({
      ...before,
      published: liveModel('M1'),
      log: [{ ...ADA, at: AT, what: 'rollback M2 to M1' }],
      unrecorded: 1,
    });
  });
});

describe('noteLive', () => {
  it('counts a model once, however often it goes live', () => {
    const names = (state: LineageState): unknown => state.publications?.map(({ release }) => release);
    expect(names(noteLive(liveAt(1, 2), liveModel('M2')))).toEqual(['M1', 'M2']);
    expect(names(noteLive(back(liveAt(1, 2)), liveModel('M2')))).toEqual(['M1', 'M2']);
  });
});
