import { describe, expect, it } from 'vitest';
import {
  concludeRelease,
  endArm,
  enterStage,
  observeRelease,
  previousRun,
  startRelease,
  statusOf,
} from '../../../policy/lineage/life.ts';
import { applySpec, cancelRelease } from '../../../policy/lineage/orders.ts';
import { createLineage, findRelease } from '../../../policy/lineage/state.ts';
import { AT, digestOf, makeArm, makeRelease, makeResult, makeScore, makeSpec } from '../../support/lineage-values.ts';
import { ADA, armAt, CANCELLED, entryAt, FAILED, lineageOf, runRelease, succeeded } from '../../support/lineages.ts';

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

  it('changes nothing when known content comes under another name', () => {
    const known = { ...makeRelease(1), commit: 'first' };
    const state = observeRelease(createLineage(makeSpec()), known, AT).state;
    const renamed = { ...known, name: 'M7', commit: 'second' };
    expect(observeRelease(state, renamed, AT)).toEqual({ state, observation: 'known' });
  });

  it('changes nothing and says so when a known name comes with another digest', () => {
    const state = lineageOf(1);
    const moved = { ...makeRelease(1), digest: digestOf('something else') };
    expect(observeRelease(state, moved, AT)).toEqual({ state, observation: 'moved' });
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
    const ended = endArm(running, 'M1', 'iterative', FAILED);
    expect(findRelease(ended, 'M1')?.arms[0]).toMatchObject({
      status: 'failed',
      stage: 'finetune',
      failure: { code: 'TRAINER_DIVERGED' },
    });
  });

  it('moves what is published only when its candidate went live', () => {
    const published = { release: 'M1', candidateDigest: digestOf('candidate'), suites: [makeScore()] };
    const started = startRelease(lineageOf(1), 'M1');
    const quiet = endArm(started, 'M1', 'iterative', { kind: 'succeeded', result: makeResult() });
    expect(quiet.published).toBeNull();
    const live = endArm(started, 'M1', 'iterative', { kind: 'succeeded', result: makeResult({ published }) });
    expect(live.published).toEqual(published);
    const after = endArm(live, 'M1', 'iterative', FAILED);
    expect(after.published).toEqual(published);
  });
});

describe('an arm that was superseded', () => {
  it('keeps what it left, or nothing where it had not trained yet', () => {
    const running = enterStage(startRelease(lineageOf(1), 'M1'), 'M1', 'iterative', 'finetune');
    const early = endArm(running, 'M1', 'iterative', { kind: 'superseded', result: null });
    expect(armAt(early, 'M1', 'iterative')).toMatchObject({ status: 'superseded', stage: null, result: null });
    const result = makeResult({ superseded: true });
    const later = endArm(running, 'M1', 'iterative', { kind: 'superseded', result });
    expect(armAt(later, 'M1', 'iterative')).toMatchObject({ status: 'superseded', stage: null, result });
    expect(later.published).toBeNull();
  });

  it('is no success for what comes after it, and its Δ is carried all the same', () => {
    const outcome = { kind: 'superseded', result: makeResult({ superseded: true }) } as const;
    const state = runRelease(lineageOf(2), 'M1', outcome);
    expect(previousRun(state, 'M2')).toBeNull();
    expect(armAt(startRelease(state, 'M2'), 'M2', 'iterative').source?.fromRelease).toBe('M1');
  });
});

describe('a stage that is told late', () => {
  it.each([succeeded(), FAILED, CANCELLED])('changes nothing of an arm that %j', (outcome) => {
    const ended = endArm(startRelease(lineageOf(1), 'M1'), 'M1', 'iterative', outcome);
    expect(enterStage(ended, 'M1', 'iterative', 'gate')).toEqual(ended);
  });

  it('changes nothing of an arm that shares, or of a release that is not known', () => {
    const started = startRelease(lineageOf(1, { controls: ['plain'] }), 'M1');
    expect(enterStage(started, 'M1', 'plain', 'gate')).toEqual(started);
    expect(enterStage(started, 'M9', 'iterative', 'gate')).toEqual(started);
  });
});

describe('concludeRelease', () => {
  it('ends a cancelling, and says that production decides also where nothing of it began', () => {
    const cancelling = cancelRelease(startRelease(lineageOf(1), 'M1'), 'M1', ADA, AT);
    expect(entryAt(cancelling, 'M1').cancelling).toBe(true);
    const ended = concludeRelease(endArm(cancelling, 'M1', 'iterative', CANCELLED), 'M1', null, AT);
    expect(entryAt(ended, 'M1')).not.toHaveProperty('cancelling');
    expect(statusOf([])).toBe('failed');
    expect(statusOf([makeArm(), makeArm({ arm: 'plain', status: 'succeeded' })])).toBe('failed');
  });

  it.each([
    ['succeeded', { kind: 'succeeded', result: makeResult() }],
    ['failed', FAILED],
    ['cancelled', { kind: 'cancelled' }],
    ['superseded', { kind: 'superseded', result: makeResult({ superseded: true }) }],
    ['superseded', { kind: 'superseded', result: null }],
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
    const half = endArm(second, 'M2', 'plain', FAILED);
    const ended = endArm(half, 'M2', 'iterative', { kind: 'succeeded', result: makeResult() });
    expect(findRelease(concludeRelease(ended, 'M2', null, AT), 'M2')?.status).toBe('succeeded');
  });

  it('judges by the arm that was production when the release started, though a new spec names another', () => {
    const started = startRelease(lineageOf(1, { controls: ['plain'] }), 'M1');
    const changed = applySpec(started, makeSpec({ strategy: 'plain' }), ADA, AT);
    const ended = endArm(changed.state, 'M1', 'iterative', { kind: 'succeeded', result: makeResult() });
    expect(findRelease(concludeRelease(ended, 'M1', null, AT), 'M1')?.status).toBe('succeeded');
  });
});
