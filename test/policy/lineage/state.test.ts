import { describe, expect, it } from 'vitest';
import type { LineageState } from '../../../contracts/lineage-state.ts';
import { pauseLineage, resumeLineage } from '../../../policy/lineage/orders.ts';
import { isBehind, noteRecorded, noteTrouble, unrecordedOrders, withLog } from '../../../policy/lineage/state.ts';
import { AT } from '../../support/lineage-values.ts';
import { entryAt, FAILED, lineageOf, runRelease, succeeded } from '../../support/lineages.ts';

/** Pauses and resumes so many times; the reason is the number of the turn. */
function ordered(state: LineageState, turns: number): LineageState {
  let current = state;
  for (let turn = 0; turn < turns; turn += 1) {
    const order = { actor: 'ada', reason: String(turn) };
    current = resumeLineage(pauseLineage(current, order, AT), order, AT);
  }
  return current;
}

describe('the log', () => {
  it('keeps beyond its fifty entries what is in no record yet', () => {
    const { log, unrecorded } = ordered(lineageOf(1), 30);
    expect([log.length, unrecorded]).toEqual([60, 60]);
    expect(log[0]).toMatchObject({ what: 'pause', reason: '0' });
  });

  it('goes back to its newest fifty with the next entry, once they are recorded', () => {
    const recorded = noteRecorded(ordered(lineageOf(1), 30), 60);
    expect(recorded).toMatchObject({ unrecorded: 0 });
    const next = pauseLineage(recorded, { actor: 'ada', reason: 'more' }, AT);
    expect([next.log.length, next.unrecorded]).toEqual([50, 1]);
    expect(next.log.at(-1)).toMatchObject({ what: 'pause', reason: 'more' });
    expect(unrecordedOrders(next)).toEqual(next.log.slice(-1));
  });

  it('has what came while a record was written in the next one', () => {
    const before = ordered(lineageOf(1), 1);
    const meanwhile = withLog(before, { actor: 'bob', reason: 'in between', at: AT, what: 'restart' });
    const after = noteRecorded(meanwhile, unrecordedOrders(before).length);
    expect(unrecordedOrders(after).map(({ what }) => what)).toEqual(['restart']);
    expect(unrecordedOrders(noteRecorded(after, 5))).toEqual([]);
  });

  it('has an end however many orders a single release draws, and gives none of them out twice', () => {
    const many = ordered(lineageOf(1), 600);
    expect([many.log.length, many.unrecorded]).toEqual([1000, 1000]);
    expect(unrecordedOrders(noteRecorded(many, unrecordedOrders(many).length))).toEqual([]);
  });

  it('has no unrecorded orders in a state of before they were counted', () => {
    const log = [{ actor: 'ada', reason: 'old', at: AT, what: 'pause' }];
    expect(unrecordedOrders({ ...lineageOf(1), log })).toEqual([]);
  });
});

describe('noteTrouble', () => {
  it('notes the same trouble once, and again when it has changed', () => {
    const noted = noteTrouble(lineageOf(1), 'watch', 'the folder is gone', AT);
    expect(noted.log).toEqual([{ actor: 'regraft', reason: 'the folder is gone', at: AT, what: 'watch' }]);
    expect(noteTrouble(noted, 'watch', 'the folder is gone', 'later')).toBe(noted);
    expect(noteTrouble(noted, 'watch', 'the disk is full', 'later').log).toHaveLength(2);
    expect(noteTrouble(noted, 'record M1', 'the folder is gone', 'later').log).toHaveLength(2);
  });
});

describe('isBehind', () => {
  it.each([
    ['succeeded', succeeded(), true],
    ['was superseded', { kind: 'superseded', result: null } as const, true],
    ['failed', FAILED, false],
  ])('looks for a newer release that ended with something: one that %s', (_how, outcome, behind) => {
    const state = runRelease(lineageOf(3), 'M2', outcome);
    expect(['M1', 'M2', 'M3'].map((name) => isBehind(state, entryAt(state, name)))).toEqual([behind, false, false]);
  });
});
