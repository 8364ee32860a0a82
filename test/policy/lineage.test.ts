import { describe, expect, it } from 'vitest';
import type { LineageState } from '../../contracts/lineage-state.ts';
import {
  applySpec,
  cancelRelease,
  concludeRelease,
  createLineage,
  endArm,
  enterStage,
  findRelease,
  isRetryable,
  nextRelease,
  observeRelease,
  pauseLineage,
  resumeLineage,
  retryRelease,
  startRelease,
} from '../../policy/lineage.ts';
import { AT, digestOf, makeRelease, makeResult, makeScore, makeSpec } from '../support/lineage-values.ts';

const ORDER = { actor: 'ada', reason: 'the cluster is full' };
const FAILURE = { code: 'TRAINER_DIVERGED', message: 'the loss is not finite' };

/** A lineage that has observed M1…Mn. */
function lineageOf(count: number, fields: Readonly<Record<string, unknown>> = {}): LineageState {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return numbers.reduce(
    (state, number) => observeRelease(state, makeRelease(number), AT).state,
    createLineage(makeSpec(fields)),
  );
}

describe('observeRelease', () => {
  it('queues a new release', () => {
    const { state, observation } = observeRelease(createLineage(makeSpec()), makeRelease(1), AT);
    expect(observation).toBe('queued');
    expect(state.releases).toEqual([
      {
        release: makeRelease(1),
        status: 'waiting',
        arms: [],
        recordDigest: null,
        observedAt: AT,
        concludedAt: null,
        retries: 0,
      },
    ]);
  });

  it('changes nothing when a release is observed again, also after it ran', () => {
    const started = startRelease(lineageOf(2), 'M1');
    expect(observeRelease(started, makeRelease(1), 'later')).toEqual({ state: started, observation: 'known' });
  });

  it('changes nothing and says so when a known name comes with another digest', () => {
    const state = lineageOf(1);
    const moved = { ...makeRelease(1), digest: digestOf('something else') };
    expect(observeRelease(state, moved, AT)).toEqual({ state, observation: 'moved' });
  });
});

describe('nextRelease', () => {
  it('takes the first that waits in family order', () => {
    const state = [3, 1, 2].reduce(
      (current, number) => observeRelease(current, makeRelease(number), AT).state,
      createLineage(makeSpec()),
    );
    expect(nextRelease(state)?.release.name).toBe('M1');
    expect(nextRelease(startRelease(state, 'M1'))?.release.name).toBe('M2');
  });

  it('takes nothing while paused and nothing when none waits', () => {
    expect(nextRelease(pauseLineage(lineageOf(1), ORDER, AT))).toBeNull();
    expect(nextRelease(createLineage(makeSpec()))).toBeNull();
  });
});

describe('an arm', () => {
  it('shows its stage while it runs and loses it when it succeeded', () => {
    const running = enterStage(startRelease(lineageOf(1), 'M1'), 'M1', 'iterative', 'finetune');
    expect(findRelease(running, 'M1')?.arms[0]).toMatchObject({ status: 'running', stage: 'finetune' });
    const ended = endArm(running, 'M1', 'iterative', { kind: 'succeeded', result: makeResult() });
    expect(findRelease(ended, 'M1')?.arms[0]).toMatchObject({ status: 'succeeded', stage: null, result: makeResult() });
  });

  it('keeps the stage it failed in, with the failure', () => {
    const running = enterStage(startRelease(lineageOf(1), 'M1'), 'M1', 'iterative', 'finetune');
    const ended = endArm(running, 'M1', 'iterative', { kind: 'failed', failure: FAILURE });
    expect(findRelease(ended, 'M1')?.arms[0]).toMatchObject({ status: 'failed', stage: 'finetune', failure: FAILURE });
  });

  it('moves what is published only when its candidate went live', () => {
    const published = { release: 'M1', candidateDigest: digestOf('candidate'), suites: [makeScore()] };
    const started = startRelease(lineageOf(1), 'M1');
    const quiet = endArm(started, 'M1', 'iterative', { kind: 'succeeded', result: makeResult() });
    expect(quiet.published).toBeNull();
    const live = endArm(started, 'M1', 'iterative', { kind: 'succeeded', result: makeResult({ published }) });
    expect(live.published).toEqual(published);
    const after = endArm(live, 'M1', 'iterative', { kind: 'failed', failure: FAILURE });
    expect(after.published).toEqual(published);
  });
});

describe('concludeRelease', () => {
  it.each([
    ['succeeded', { kind: 'succeeded', result: makeResult() }],
    ['failed', { kind: 'failed', failure: FAILURE }],
    ['cancelled', { kind: 'cancelled' }],
  ] as const)('is %s when the production arm is', (status, outcome) => {
    const ended = endArm(startRelease(lineageOf(1, { controls: ['plain'] }), 'M1'), 'M1', 'iterative', outcome);
    const concluded = concludeRelease(ended, 'M1', digestOf('record'), AT);
    expect(findRelease(concluded, 'M1')).toMatchObject({ status, recordDigest: digestOf('record'), concludedAt: AT });
  });

  it('does not ask how a control arm ended', () => {
    const first = concludeRelease(
      endArm(startRelease(lineageOf(2, { controls: ['plain'] }), 'M1'), 'M1', 'iterative', {
        kind: 'succeeded',
        result: makeResult(),
      }),
      'M1',
      null,
      AT,
    );
    const second = startRelease(first, 'M2');
    const half = endArm(second, 'M2', 'plain', { kind: 'failed', failure: FAILURE });
    const ended = endArm(half, 'M2', 'iterative', { kind: 'succeeded', result: makeResult() });
    expect(findRelease(concludeRelease(ended, 'M2', null, AT), 'M2')?.status).toBe('succeeded');
  });

  it('judges by the arm that was production when the release started, though a new spec names another', () => {
    const started = startRelease(lineageOf(1, { controls: ['plain'] }), 'M1');
    const changed = applySpec(started, makeSpec({ strategy: 'plain' }), ORDER, AT);
    const ended = endArm(changed.state, 'M1', 'iterative', { kind: 'succeeded', result: makeResult() });
    expect(findRelease(concludeRelease(ended, 'M1', null, AT), 'M1')?.status).toBe('succeeded');
  });
});

describe('pausing and resuming', () => {
  it('notes who and why, and does each once', () => {
    const paused = pauseLineage(lineageOf(1), ORDER, AT);
    expect(paused.paused).toEqual({ ...ORDER, at: AT, what: 'pause' });
    expect(pauseLineage(paused, { actor: 'bob', reason: 'me too' }, 'later')).toBe(paused);
    const resumed = resumeLineage(paused, ORDER, AT);
    expect([resumed.paused, resumed.log.map(({ what }) => what)]).toEqual([null, ['pause', 'resume']]);
    expect(resumeLineage(resumed, ORDER, 'later')).toBe(resumed);
  });
});

describe('applySpec', () => {
  it('notes how a lineage began, takes a changed spec and notes it, and leaves an equal one alone', () => {
    const created = applySpec(lineageOf(1), makeSpec(), ORDER, AT);
    expect(created.applied).toBe('created');
    expect(created.state.log).toEqual([{ ...ORDER, at: AT, what: 'create' }]);
    const changed = applySpec(created.state, makeSpec({ controls: ['plain'] }), ORDER, 'later');
    expect(changed).toMatchObject({
      applied: 'changed',
      state: { spec: { controls: ['plain'] }, log: [{ what: 'create' }, { ...ORDER, at: 'later', what: 'apply' }] },
    });
    const again = applySpec(changed.state, makeSpec({ controls: ['plain'] }), ORDER, 'later still');
    expect(again).toEqual({ applied: 'unchanged', state: changed.state });
  });

  it('keeps who and why of an order, and not the spec that came with it', () => {
    const order = { ...ORDER, spec: makeSpec() };
    expect(applySpec(lineageOf(1), order.spec, order, AT).state.log).toEqual([{ ...ORDER, at: AT, what: 'create' }]);
  });
});

describe('retryRelease', () => {
  const failed = concludeRelease(
    endArm(startRelease(lineageOf(2), 'M1'), 'M1', 'iterative', { kind: 'failed', failure: FAILURE }),
    'M1',
    digestOf('record'),
    AT,
  );

  it('puts a failed release back in line, before a later one that waits', () => {
    const retried = retryRelease(failed, 'M1', ORDER, AT);
    expect(findRelease(retried, 'M1')).toMatchObject({
      status: 'waiting',
      arms: [],
      recordDigest: null,
      concludedAt: null,
      retries: 1,
    });
    expect(nextRelease(retried)?.release.name).toBe('M1');
    expect(retried.log.at(-1)?.what).toBe('retry M1');
  });

  it.each(['waiting', 'running', 'unknown'])('leaves one that is %s as it is', (kind) => {
    const state = kind === 'running' ? startRelease(lineageOf(1), 'M1') : lineageOf(1);
    expect(retryRelease(state, kind === 'unknown' ? 'M9' : 'M1', ORDER, AT)).toBe(state);
  });

  it('leaves one that succeeded as it is', () => {
    const outcome = { kind: 'succeeded', result: makeResult() } as const;
    const done = concludeRelease(endArm(startRelease(lineageOf(1), 'M1'), 'M1', 'iterative', outcome), 'M1', null, AT);
    expect(done.releases.map(isRetryable)).toEqual([false]);
    expect(retryRelease(done, 'M1', ORDER, AT)).toBe(done);
  });
});

describe('cancelRelease', () => {
  it('takes a waiting release out of line, for a retry to put back', () => {
    const cancelled = cancelRelease(lineageOf(2), 'M1', ORDER, AT);
    expect(findRelease(cancelled, 'M1')).toMatchObject({ status: 'cancelled', concludedAt: AT });
    expect(nextRelease(cancelled)?.release.name).toBe('M2');
    expect(nextRelease(retryRelease(cancelled, 'M1', ORDER, AT))?.release.name).toBe('M1');
  });

  it('leaves a running one to its runs, and notes both', () => {
    const cancelled = cancelRelease(startRelease(lineageOf(1), 'M1'), 'M1', ORDER, AT);
    expect(findRelease(cancelled, 'M1')?.status).toBe('running');
    expect(cancelled.log.map(({ what }) => what)).toEqual(['cancel M1']);
  });
});

describe('the log', () => {
  it('keeps the newest fifty entries', () => {
    let state = lineageOf(1);
    for (let turn = 0; turn < 30; turn += 1) {
      state = pauseLineage(state, { actor: 'ada', reason: String(turn) }, AT);
      state = resumeLineage(state, { actor: 'ada', reason: String(turn) }, AT);
    }
    expect(state.log).toHaveLength(50);
    expect(state.log.at(-1)).toMatchObject({ what: 'resume', reason: '29' });
    expect(state.log[0]).toMatchObject({ what: 'pause', reason: '5' });
  });
});
