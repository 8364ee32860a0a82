import { describe, expect, it } from 'vitest';
import type { ReleaseState } from '../../../contracts/lineage-state.ts';
import { takeNext } from '../../../policy/lineage/backlog.ts';
import { concludeRelease, endArm, startRelease, type ArmOutcome } from '../../../policy/lineage/life.ts';
import {
  applySpec,
  cancelRelease,
  fitsCancel,
  fitsRetry,
  type Fitness,
  pauseLineage,
  resumeLineage,
  retryRelease,
} from '../../../policy/lineage/orders.ts';
import { findRelease } from '../../../policy/lineage/state.ts';
import { AT, digestOf, makeResult, makeSpec } from '../../support/lineage-values.ts';
import { ADA, CANCELLED, entryAt, FAILED, lineageOf, runRelease, succeeded } from '../../support/lineages.ts';

describe('pausing and resuming', () => {
  it('notes who and why, and does each once', () => {
    const paused = pauseLineage(lineageOf(1), ADA, AT);
    expect(paused.paused).toEqual({ ...ADA, at: AT, what: 'pause' });
    expect(pauseLineage(paused, { actor: 'bob', reason: 'me too' }, 'later')).toBe(paused);
    const resumed = resumeLineage(paused, ADA, AT);
    expect([resumed.paused, resumed.log.map(({ what }) => what)]).toEqual([null, ['pause', 'resume']]);
    expect(resumeLineage(resumed, ADA, 'later')).toBe(resumed);
  });
});

describe('applySpec', () => {
  it('notes how a lineage began, takes a changed spec and notes it, and leaves an equal one alone', () => {
    const created = applySpec(lineageOf(1), makeSpec(), ADA, AT);
    expect(created.applied).toBe('created');
    expect(created.state.log).toEqual([{ ...ADA, at: AT, what: 'create' }]);
    const changed = applySpec(created.state, makeSpec({ controls: ['plain'] }), ADA, 'later');
    expect(changed).toMatchObject({
      applied: 'changed',
      state: { spec: { controls: ['plain'] }, log: [{ what: 'create' }, { ...ADA, at: 'later', what: 'apply' }] },
    });
    const again = applySpec(changed.state, makeSpec({ controls: ['plain'] }), ADA, 'later still');
    expect(again).toEqual({ applied: 'unchanged', state: changed.state });
  });

  it('keeps who and why of an order, and not the spec that came with it', () => {
    const order = { ...ADA, spec: makeSpec() };
    expect(applySpec(lineageOf(1), order.spec, order, AT).state.log).toEqual([{ ...ADA, at: AT, what: 'create' }]);
  });
});

describe('retryRelease', () => {
  const failed = concludeRelease(
    endArm(startRelease(lineageOf(2), 'M1'), 'M1', 'iterative', FAILED),
    'M1',
    digestOf('record'),
    AT,
  );

  it('puts a failed release back in line, before a later one that waits', () => {
    const retried = retryRelease(failed, 'M1', ADA, AT);
    expect(findRelease(retried, 'M1')).toMatchObject({
      status: 'waiting',
      arms: [],
      recordDigest: null,
      concludedAt: null,
      retries: 1,
    });
    expect(takeNext(retried, AT).next?.release.name).toBe('M1');
    expect(retried.log.at(-1)?.what).toBe('retry M1');
  });

  it.each(['waiting', 'running', 'unknown'])('leaves one that is %s as it is', (kind) => {
    const state = kind === 'running' ? startRelease(lineageOf(1), 'M1') : lineageOf(1);
    expect(retryRelease(state, kind === 'unknown' ? 'M9' : 'M1', ADA, AT)).toBe(state);
  });

  it('leaves one that succeeded as it is', () => {
    const outcome = { kind: 'succeeded', result: makeResult() } as const;
    const done = concludeRelease(endArm(startRelease(lineageOf(1), 'M1'), 'M1', 'iterative', outcome), 'M1', null, AT);
    expect(done.releases.map(fitsRetry)).toEqual(['refused']);
    expect(retryRelease(done, 'M1', ADA, AT)).toBe(done);
  });
});

describe('what an order fits', () => {
  const ended = (outcome: ArmOutcome): ReleaseState => entryAt(runRelease(lineageOf(1), 'M1', outcome), 'M1');
  const waiting = entryAt(lineageOf(1), 'M1');
  const running = entryAt(startRelease(lineageOf(1), 'M1'), 'M1');
  const retried = { ...waiting, retries: 1 };

  it.each<[string, ReleaseState, Fitness, Fitness]>([
    ['waits', waiting, 'refused', 'fits'],
    ['runs', running, 'refused', 'fits'],
    ['is ending because it was cancelled', { ...running, cancelling: true }, 'refused', 'done'],
    ['waits to be tried again', retried, 'done', 'fits'],
    ['is being tried again', { ...running, retries: 1 }, 'done', 'fits'],
    ['succeeded', ended(succeeded()), 'refused', 'refused'],
    ['failed', ended(FAILED), 'fits', 'refused'],
    ['was cancelled', ended(CANCELLED), 'fits', 'done'],
    ['was superseded', ended({ kind: 'superseded', result: null }), 'fits', 'refused'],
    ['was skipped', { ...waiting, status: 'skipped', note: 'passed over' }, 'fits', 'refused'],
  ])('a release that %s', (_how, entry, retry, cancel) => {
    expect([fitsRetry(entry), fitsCancel(entry)]).toEqual([retry, cancel]);
  });

  it('is carried out once: the same again changes nothing', () => {
    const cancelled = cancelRelease(startRelease(lineageOf(1), 'M1'), 'M1', ADA, AT);
    expect(cancelRelease(cancelled, 'M1', ADA, 'later')).toBe(cancelled);
    const again = retryRelease(runRelease(lineageOf(1), 'M1', FAILED), 'M1', ADA, AT);
    expect(retryRelease(again, 'M1', ADA, 'later')).toBe(again);
  });

  it('forgets why a release was skipped once it is tried again', () => {
    const skipped = takeNext(lineageOf(2, { backlog: 'latest' }), AT).state;
    const again = entryAt(retryRelease(skipped, 'M1', ADA, AT), 'M1');
    expect(again).toMatchObject({ status: 'waiting', wanted: true, concludedAt: null, retries: 1 });
    expect(again).not.toHaveProperty('note');
  });
});

describe('cancelRelease', () => {
  it('takes a waiting release out of line, for a retry to put back', () => {
    const cancelled = cancelRelease(lineageOf(2), 'M1', ADA, AT);
    expect(findRelease(cancelled, 'M1')).toMatchObject({ status: 'cancelled', concludedAt: AT });
    expect(takeNext(cancelled, AT).next?.release.name).toBe('M2');
    expect(takeNext(retryRelease(cancelled, 'M1', ADA, AT), AT).next?.release.name).toBe('M1');
  });

  it('leaves a running one to its runs, and notes both', () => {
    const cancelled = cancelRelease(startRelease(lineageOf(1), 'M1'), 'M1', ADA, AT);
    expect(findRelease(cancelled, 'M1')?.status).toBe('running');
    expect(cancelled.log.map(({ what }) => what)).toEqual(['cancel M1']);
  });
});
