import { describe, expect, it } from 'vitest';
import type { LineageState } from '../../../contracts/lineage-state.ts';
import { startRelease } from '../../../policy/lineage/life.ts';
import { retryRelease } from '../../../policy/lineage/orders.ts';
import { askForRestart, restartAt, settleRestart, sinceRestart } from '../../../policy/lineage/restart.ts';
import { AT, digestOf } from '../../support/lineage-values.ts';
import { ADA, armAt, FAILED, lineageOf, observeAll, runRelease, succeeded } from '../../support/lineages.ts';

const REASON = 'ada asked for a restart (the cluster is full)';
/** Runs a release whose Δ is named after it. */
const run = (state: LineageState, name: string): LineageState =>
  runRelease(state, name, succeeded({ deltaDigest: digestOf(`Δ of ${name}`) }));
const sourceAt = (state: LineageState, name: string): string | null =>
  armAt(startRelease(state, name), name, 'iterative').source?.fromRelease ?? null;
const through = (state: LineageState, ...names: readonly string[]): LineageState => names.reduce(run, state);

describe('a restart', () => {
  it('is pending until a release starts, noted once however often it is asked for', () => {
    const asked = askForRestart(lineageOf(2), ADA, AT);
    const entry = { ...ADA, at: AT, what: 'restart' };
    expect([asked.restart, asked.log]).toEqual([{ release: null, order: entry }, [entry]]);
    expect(askForRestart(asked, { actor: 'bob', reason: 'me too' }, 'later')).toBe(asked);
    expect(['M1', 'M2'].map((name) => restartAt(asked, name))).toEqual([null, null]);
  });

  it('lets the next release start from the base, and says who asked and why', () => {
    const asked = askForRestart(through(lineageOf(3), 'M1', 'M2'), ADA, AT);
    const started = startRelease(asked, 'M3');
    expect(started.restart).toMatchObject({ release: 'M3' });
    expect(armAt(started, 'M3', 'iterative')).toMatchObject({
      source: null,
      sourceReason: `${REASON}, and its iterative arm has left no Δ since: it starts from the base itself`,
    });
  });

  it('is heeded by every later release: nothing from before it is carried, what came since is', () => {
    const asked = askForRestart(through(lineageOf(6), 'M1', 'M2'), ADA, AT);
    expect(sourceAt(through(asked, 'M3'), 'M4')).toBe('M3');
    const failed = runRelease(asked, 'M3', FAILED);
    expect(sourceAt(failed, 'M4')).toBeNull();
    expect(sourceAt(through(failed, 'M4'), 'M5')).toBe('M4');
  });

  it('is not heeded by an earlier release that is tried again after it', () => {
    const failed = runRelease(through(lineageOf(4), 'M1'), 'M2', FAILED);
    const restarted = through(askForRestart(failed, ADA, AT), 'M3');
    expect(sourceAt(retryRelease(restarted, 'M2', ADA, AT), 'M2')).toBe('M1');
    expect(restartAt(restarted, 'M2')).toBeNull();
  });

  it('is not used up by an earlier release: the newest line would go on with what was to be left behind', () => {
    const failed = runRelease(through(lineageOf(4), 'M1'), 'M2', FAILED);
    const asked = retryRelease(askForRestart(through(failed, 'M3'), ADA, AT), 'M2', ADA, AT);
    expect(sourceAt(asked, 'M2')).toBe('M1');
    const retried = through(asked, 'M2');
    expect(retried.restart?.release).toBeNull();
    expect(sourceAt(retried, 'M4')).toBeNull();
  });

  it('is taken by the newest release when that one is tried again', () => {
    const failed = runRelease(through(lineageOf(2), 'M1'), 'M2', FAILED);
    expect(sourceAt(retryRelease(askForRestart(failed, ADA, AT), 'M2', ADA, AT), 'M2')).toBeNull();
  });

  it('can be asked for again once the one before was taken', () => {
    const first = through(askForRestart(through(lineageOf(5), 'M1'), ADA, AT), 'M2', 'M3');
    const second = askForRestart(first, ADA, AT);
    expect(second.log.filter(({ what }) => what === 'restart')).toHaveLength(2);
    expect(sourceAt(second, 'M4')).toBeNull();
  });

  it('leaves settled what is settled, and a lineage without one as it is', () => {
    const settled = settleRestart(askForRestart(lineageOf(2), ADA, AT), 'M1');
    expect(settled.restart?.release).toBe('M1');
    expect(settleRestart(settled, 'M2')).toBe(settled);
    expect(settleRestart(lineageOf(1), 'M1')).toEqual(lineageOf(1));
    expect(settleRestart(askForRestart(lineageOf(1), ADA, AT), 'M9').restart?.release).toBeNull();
  });

  it('answers the advice to restart, which looks only at what came since', () => {
    const advised = { ...through(lineageOf(4), 'M1', 'M2'), advice: 'consider `regraft restart`' };
    const asked = askForRestart(advised, ADA, AT);
    expect(asked.advice).toBeUndefined();
    const names = (state: LineageState): readonly string[] => sinceRestart(state).map(({ release }) => release.name);
    expect(names(advised)).toEqual(['M1', 'M2', 'M3', 'M4']);
    expect(names(asked)).toEqual([]);
    expect(names(through(asked, 'M3'))).toEqual(['M3', 'M4']);
    expect(names(observeAll(through(asked, 'M3'), 0))).toEqual(['M3', 'M4']);
  });
});
