import { describe, expect, it } from 'vitest';
import type { LineageState } from '../../../contracts/lineage-state.ts';
import { hasWaiting, superseder, takeNext } from '../../../policy/lineage/backlog.ts';
import { observeRelease, startRelease } from '../../../policy/lineage/life.ts';
import { cancelRelease, pauseLineage, retryRelease } from '../../../policy/lineage/orders.ts';
import { findRelease } from '../../../policy/lineage/state.ts';
import { AT, makeRelease } from '../../support/lineage-values.ts';
import { ADA, FAILED, lineageOf, observeAll, runRelease, standings, succeeded } from '../../support/lineages.ts';

const LATER = '2026-06-01T10:00:00.000Z';
const spent = { spent: { steps: 100, trainedSeconds: 60, gpuSeconds: 60 } };
const backfill = (state: LineageState, number: number): LineageState =>
  observeRelease(state, { ...makeRelease(number), backfill: true }, AT).state;
const nameOf = (state: LineageState): string | null => takeNext(state, LATER).next?.release.name ?? null;

describe('the backlog `queue`', () => {
  it('takes the first that waits in family order, whatever order they came in', () => {
    const state = observeAll(lineageOf(0), 3, 1, 2);
    expect(nameOf(state)).toBe('M1');
    expect(nameOf(runRelease(state, 'M1', FAILED))).toBe('M2');
    expect(takeNext(state, LATER).state).toBe(state);
  });

  it('takes a late release in its turn, though newer ones are done', () => {
    const state = runRelease(observeAll(lineageOf(0), 1, 3), 'M3', succeeded());
    expect(nameOf(observeAll(runRelease(state, 'M1', succeeded()), 2))).toBe('M2');
  });
});

describe('any backlog', () => {
  it.each(['queue', 'latest', 'supersede'])('%s takes nothing while paused, and nothing when none waits', (backlog) => {
    const paused = pauseLineage(lineageOf(1, { backlog }), ADA, AT);
    expect(takeNext(paused, LATER)).toEqual({ state: paused, next: null });
    const empty = lineageOf(0, { backlog });
    expect(takeNext(empty, LATER)).toEqual({ state: empty, next: null });
    expect([paused, empty, lineageOf(1, { backlog })].map(hasWaiting)).toEqual([false, false, true]);
  });
});

describe.each(['latest', 'supersede'])('the backlog `%s`', (backlog) => {
  it('jumps to the newest and skips those between, each with a note and an entry in the log', () => {
    const { state, next } = takeNext(lineageOf(3, { backlog }), LATER);
    expect(next?.release.name).toBe('M3');
    expect(standings(state)).toEqual(['M1 skipped', 'M2 skipped', 'M3 waiting']);
    const note = `passed over for M3 (backlog: ${backlog})`;
    expect(findRelease(state, 'M1')).toMatchObject({ note, concludedAt: LATER, arms: [], recordDigest: null });
    expect(state.log).toEqual(
      ['skip M1', 'skip M2'].map((what) => ({ actor: 'regraft', reason: note, at: LATER, what })),
    );
    expect(state.unrecorded).toBe(2);
  });

  it.each([
    ['is done', runRelease(observeAll(lineageOf(0, { backlog }), 1, 3), 'M3', succeeded())],
    [
      'was superseded itself',
      runRelease(observeAll(lineageOf(0, { backlog }), 1, 3), 'M3', { kind: 'superseded', result: null }),
    ],
  ])('passes over releases that come late, when a newer one %s', (_how, done) => {
    const { state, next } = takeNext(observeAll(done, 2), LATER);
    expect(next).toBeNull();
    expect(standings(state).slice(0, 2)).toEqual(['M1 skipped', 'M2 skipped']);
    expect(findRelease(state, 'M2')?.note).toBe(`passed over for M3 (backlog: ${backlog})`);
    expect(hasWaiting(state)).toBe(false);
  });

  it('takes one that comes late when the newer one failed', () => {
    const failed = runRelease(observeAll(lineageOf(0, { backlog }), 3), 'M3', FAILED);
    expect(nameOf(observeAll(failed, 2))).toBe('M2');
  });

  it('takes one that was retried first, and passes over nothing while it does', () => {
    const failed = runRelease(lineageOf(1, { backlog }), 'M1', FAILED);
    const { state, next } = takeNext(retryRelease(observeAll(failed, 2, 3), 'M1', ADA, AT), LATER);
    expect(next?.release.name).toBe('M1');
    expect(standings(state)).toEqual(['M1 waiting', 'M2 waiting', 'M3 waiting']);
    const after = takeNext(runRelease(state, 'M1', succeeded()), LATER);
    expect([after.next?.release.name, standings(after.state)[1]]).toEqual(['M3', 'M2 skipped']);
  });

  it('takes the past that was asked for in family order, though newer ones are done', () => {
    let state = runRelease(observeAll(lineageOf(0, { backlog }), 5), 'M5', succeeded());
    state = [3, 1, 2].reduce(backfill, state);
    const taken: (string | null)[] = [];
    for (let next = takeNext(state, LATER); next.next !== null; next = takeNext(state, LATER)) {
      taken.push(next.next.release.name);
      state = runRelease(next.state, next.next.release.name, succeeded());
    }
    expect(taken).toEqual(['M1', 'M2', 'M3']);
  });

  it('takes one that it had skipped once that is asked for, and forgets why', () => {
    const { state } = takeNext(lineageOf(2, { backlog }), LATER);
    const asked = backfill(state, 1);
    expect(findRelease(asked, 'M1')).toEqual({
      ...{ release: makeRelease(1), status: 'waiting', arms: [], recordDigest: null, observedAt: AT },
      ...{ concludedAt: null, retries: 0, wanted: true },
    });
    expect(nameOf(asked)).toBe('M1');
    expect(nameOf(retryRelease(state, 'M1', ADA, AT))).toBe('M1');
  });

  it('does not pass over one that waited when it was asked for, and asking again changes nothing', () => {
    const asked = backfill(lineageOf(3, { backlog }), 2);
    expect(backfill(asked, 2)).toBe(asked);
    const { state, next } = takeNext(asked, LATER);
    expect([next?.release.name, standings(state)]).toEqual(['M2', standings(asked)]);
  });

  it('leaves what ended by itself alone when the past is asked for', () => {
    const failed = runRelease(lineageOf(1, { backlog }), 'M1', FAILED);
    expect(backfill(failed, 1)).toBe(failed);
    const cancelled = cancelRelease(lineageOf(1, { backlog }), 'M1', ADA, AT);
    expect(backfill(cancelled, 1)).toBe(cancelled);
  });
});

describe('a budget that is spent', () => {
  const limited = (then: 'pause' | 'skip', backlog = 'queue'): LineageState => ({
    ...lineageOf(3, { backlog, budget: { lineage: { steps: 100, then } } }),
    ...spent,
  });

  it('pauses the lineage in the name of the service, with what to do', () => {
    const { state, next } = takeNext(limited('pause'), LATER);
    const reason = "the lineage's budget is spent: 100 of 100 steps; raise `budget.lineage` and apply it, then resume";
    expect(next).toBeNull();
    expect(state.paused).toEqual({ actor: 'regraft', reason, at: LATER, what: 'pause' });
    expect(state.log).toEqual([state.paused]);
    expect(standings(state)).toEqual(['M1 waiting', 'M2 waiting', 'M3 waiting']);
  });

  it('skips what waits where that is wanted, and what was asked for too', () => {
    const { state, next } = takeNext(backfill(limited('skip', 'latest'), 1), LATER);
    expect(next).toBeNull();
    expect(standings(state)).toEqual(['M1 skipped', 'M2 skipped', 'M3 skipped']);
    expect(findRelease(state, 'M1')?.note).toBe(
      "the lineage's budget is spent: 100 of 100 steps; raise `budget.lineage` and apply it",
    );
    const raised = { ...state, spec: { ...state.spec, budget: { lineage: { steps: 101, then: 'skip' as const } } } };
    expect(nameOf(retryRelease(raised, 'M2', ADA, AT))).toBe('M2');
  });

  it('holds nothing back before it is spent', () => {
    expect(nameOf({ ...limited('pause'), spent: { ...spent.spent, steps: 99 } })).toBe('M1');
  });
});

describe('superseder', () => {
  const running = (fields: Readonly<Record<string, unknown>> = {}): LineageState =>
    startRelease(observeAll(lineageOf(0, { backlog: 'supersede', ...fields }), 2), 'M2');

  it('is the newest that waits, for a running one that is older', () => {
    expect(superseder(observeAll(running(), 3, 5, 4))?.release.name).toBe('M5');
  });

  it.each([
    ['nothing runs', observeAll(lineageOf(0, { backlog: 'supersede' }), 3)],
    ['nothing waits', running()],
    ['only an older one waits', observeAll(running(), 1)],
    ['the lineage is paused', pauseLineage(observeAll(running(), 3), ADA, AT)],
    ['releases queue', observeAll(running({ backlog: 'queue' }), 3)],
    ['the running one may finish', observeAll(running({ backlog: 'latest' }), 3)],
    [
      'the newer one would find the budget spent',
      {
        ...observeAll(running({ budget: { lineage: { steps: 10 } } }), 3),
        spent: { steps: 10, trainedSeconds: 0, gpuSeconds: 0 },
      },
    ],
    ['the running one was asked for', observeAll(backfill(running(), 2), 3)],
    [
      'the running one was retried',
      observeAll(
        startRelease(
          retryRelease(runRelease(observeAll(lineageOf(0, { backlog: 'supersede' }), 2), 'M2', FAILED), 'M2', ADA, AT),
          'M2',
        ),
        3,
      ),
    ],
  ])('is none when %s', (_when, state) => {
    expect(superseder(state)).toBeNull();
  });
});
