import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf, SMALLEST_SPEC } from '../support/lineage-values.ts';
import { failure, type Activities } from '../support/scripted-work.ts';
import { ORDER, quietSpec, releaseOf, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

/** Fails the Δ of one arm at one release, once its training is done. */
function failDifference(lineage: string, release: string, arm: string): void {
  const script = service.work.script(lineage);
  const differenceModel: Activities['differenceModel'] = async (input) => {
    if (input.key.release === release && input.key.arm === arm)
      throw failure('WEIGHTS_ON_PURPOSE', { retryable: false });
    return script.usual.differenceModel(input);
  };
  script.instead = { differenceModel };
}

describe('cancelling', () => {
  it('ends a running release; the next one goes on with the Δ of the last that succeeded', async () => {
    const script = await service.create('cancel-running');
    await service.observe('cancel-running', 1);
    await service.until('cancel-running', 'M1', 'succeeded');
    const training = service.holdTraining('cancel-running');
    await service.observe('cancel-running', 2, 3);
    await training.untilRunning();
    expect(await service.lineages.cancel('cancel-running', 'M2', ORDER)).toEqual({ changed: true });
    const cancelled = await service.until('cancel-running', 'M2');
    expect(training.cancelled).toBe(1);
    expect(cancelled).toMatchObject({
      status: 'cancelled',
      recordDigest: digestOf('record of M2'),
      arms: [{ status: 'cancelled' }],
    });
    expect(script.story('M2', 'iterative').at(-1)).toBe('finetuneModel');

    training.proceedTo(100);
    const next = await service.until('cancel-running', 'M3');
    expect(next).toMatchObject({ status: 'succeeded', arms: [{ source: { fromRelease: 'M1', steps: 100 } }] });
    expect(next.arms[0]!.sourceReason).toMatch(/, over 1 release without one$/);
    const { log } = await service.lineages.state('cancel-running');
    expect(log).toMatchObject([{ what: 'create' }, { ...ORDER, what: 'cancel M2' }]);
  });

  it('takes a waiting release out of the line', async () => {
    const script = await service.create('cancel-waiting');
    await service.lineages.pause('cancel-waiting', ORDER);
    await service.observe('cancel-waiting', 1, 2);
    await service.lineages.cancel('cancel-waiting', 'M1', ORDER);
    expect(await service.lineages.cancel('cancel-waiting', 'M1', ORDER)).toEqual({ changed: false });
    await service.lineages.resume('cancel-waiting', ORDER);
    await service.until('cancel-waiting', 'M2', 'succeeded');
    const entry = releaseOf(await service.lineages.state('cancel-waiting'), 'M1')!;
    expect(entry).toMatchObject({ status: 'cancelled', arms: [] });
    expect(script.calls.some(({ release }) => release === 'M1')).toBe(false);
  });

  it('ends a release that is held by a pause, and leaves the lineage paused', async () => {
    await service.create('cancel-held');
    const training = service.holdTraining('cancel-held');
    await service.observe('cancel-held', 1);
    await training.untilRunning();
    await service.lineages.pause('cancel-held', ORDER);
    await waitUntil('the training is cancelled', async () => training.cancelled === 1);
    await service.lineages.cancel('cancel-held', 'M1', ORDER);
    expect((await service.until('cancel-held', 'M1')).status).toBe('cancelled');
    expect((await service.lineages.state('cancel-held')).paused).not.toBeNull();
    expect(training.starts).toHaveLength(1);
  });

  it('comes too late once a candidate goes live: the run is recorded, so that the lineage knows what is live', async () => {
    const script = await service.create('cancel-live', { publish: [{ folder: '/live' }] });
    let publish: () => void = () => undefined;
    const allowed = new Promise<void>((resolve) => (publish = resolve));
    script.instead.publishModel = async (input) => {
      await allowed;
      return script.usual.publishModel(input);
    };
    await service.observe('cancel-live', 1);
    await waitUntil('it goes live', async () => script.of('publishModel').length === 1);
    await service.lineages.cancel('cancel-live', 'M1', ORDER);
    await service.untilQuiet('lineage/cancel-live/run/M1/iterative', 'publishModel');
    publish();
    const entry = await service.until('cancel-live', 'M1');
    expect(entry).toMatchObject({ status: 'succeeded', recordDigest: digestOf('record of M1') });
    expect((await service.lineages.state('cancel-live')).published).toEqual(entry.arms[0]!.result!.published);
  });
});

describe('a failing arm', () => {
  it('fails the release when it is the production arm; nothing goes live and the next release goes on', async () => {
    await service.create('fail-production', { controls: ['plain'] });
    failDifference('fail-production', 'M2', 'iterative');
    await service.observe('fail-production', 1, 2, 3);
    const failed = await service.until('fail-production', 'M2');
    expect(failed.status).toBe('failed');
    expect(failed.arms).toMatchObject([
      {
        arm: 'iterative',
        status: 'failed',
        stage: 'difference',
        failure: { code: 'WEIGHTS_ON_PURPOSE', message: 'WEIGHTS_ON_PURPOSE on purpose' },
      },
      { arm: 'plain', status: 'succeeded', failure: null },
    ]);
    const next = await service.until('fail-production', 'M3');
    expect(next).toMatchObject({ status: 'succeeded', arms: [{ source: { fromRelease: 'M1' } }, { arm: 'plain' }] });
  });

  it('does not fail the release when it is a control arm', async () => {
    await service.create('fail-control', { controls: ['plain'] });
    failDifference('fail-control', 'M2', 'plain');
    await service.observe('fail-control', 1, 2);
    const entry = await service.until('fail-control', 'M2');
    expect(entry.status).toBe('succeeded');
    expect(entry.arms.map(({ arm, status }) => `${arm} ${status}`)).toEqual(['iterative succeeded', 'plain failed']);
    expect((await service.lineages.state('fail-control')).published?.release).toBe('M2');
  });
});

describe('retrying', () => {
  it('runs a failed release again, the arms that had succeeded too', async () => {
    const script = await service.create('retry', { controls: ['plain'] });
    failDifference('retry', 'M2', 'iterative');
    await service.observe('retry', 1, 2);
    const failed = await service.until('retry', 'M2');
    expect([failed.status, failed.retries]).toEqual(['failed', 0]);
    const plain = failed.arms[1]!;

    script.instead = {};
    expect(await service.lineages.retry('retry', 'M2', ORDER)).toEqual({ changed: true });
    const retried = await service.until('retry', 'M2');
    expect([retried.status, retried.retries]).toEqual(['succeeded', 1]);
    expect(retried.arms[0]).toMatchObject({ status: 'succeeded', failure: null, source: failed.arms[0]!.source });
    expect(retried.arms[1]).toEqual(plain);
    expect((await service.lineages.state('retry')).log).toMatchObject([
      { what: 'create' },
      { ...ORDER, what: 'retry M2' },
    ]);
  });

  it('runs a cancelled release again', async () => {
    await service.create('retry-cancelled');
    const training = service.holdTraining('retry-cancelled');
    await service.observe('retry-cancelled', 1);
    await training.untilRunning();
    await service.lineages.cancel('retry-cancelled', 'M1', ORDER);
    await service.until('retry-cancelled', 'M1', 'cancelled');
    training.proceedTo(100);
    await service.lineages.retry('retry-cancelled', 'M1', ORDER);
    expect((await service.until('retry-cancelled', 'M1', 'succeeded', 'failed')).status).toBe('succeeded');
  });
});

describe('applying', () => {
  it('changes the spec from the next release on, and the one that runs keeps the spec it began with', async () => {
    const script = await service.create('apply');
    const training = service.holdTraining('apply');
    await service.observe('apply', 1);
    await training.untilRunning();
    const finetune = { ...SMALLEST_SPEC.finetune, steps: 60, saveEvery: 20 };
    const changed = quietSpec('apply', { finetune, strategy: 'plain' });
    expect(await service.lineages.apply(changed, ORDER)).toMatchObject({ applied: 'changed' });
    training.proceedTo(100);
    expect(await service.until('apply', 'M1')).toMatchObject({
      status: 'succeeded',
      arms: [{ arm: 'iterative', result: { final: { step: 100 } } }],
    });
    await service.observe('apply', 2);
    expect(await service.until('apply', 'M2')).toMatchObject({
      status: 'succeeded',
      arms: [{ arm: 'plain', result: { final: { step: 60 } } }],
    });
    expect(script.of('evaluateModel').map(({ step }) => step)).toEqual([0, 50, 100, 0, 20, 40, 60]);
  });

  it('changes how a training that runs is looked after from its next attempt on, and nothing else of it', async () => {
    const script = await service.create('supervised');
    const training = service.holdTraining('supervised');
    const given: { readonly stallAfter: string; readonly steps: number }[] = [];
    script.instead.finetuneModel = (input) => {
      given.push({ stallAfter: input.finetune.stallAfter, steps: input.finetune.steps });
      return training.finetuneModel(input);
    };
    await service.observe('supervised', 1);
    await training.untilRunning();
    const finetune = { ...quietSpec('supervised').finetune, stallAfter: '5m', steps: 200 };
    expect(await service.lineages.apply(quietSpec('supervised', { finetune }), ORDER)).toEqual({
      applied: 'changed',
      changes: [
        { path: 'finetune.steps', from: 100, to: 200, applies: 'next release' },
        { path: 'finetune.stallAfter', from: '30m', to: '5m', applies: 'next attempt' },
      ],
    });
    await service.lineages.pause('supervised', ORDER);
    await waitUntil('it is held', async () => training.cancelled === 1);
    training.proceedTo(100);
    await service.lineages.resume('supervised', ORDER);
    await service.until('supervised', 'M1', 'succeeded');
    expect(given).toEqual([
      { stallAfter: '30m', steps: 100 },
      { stallAfter: '5m', steps: 100 },
    ]);
  });

  it('the same spec again changes nothing', async () => {
    await service.create('again');
    expect(await service.lineages.apply(quietSpec('again'), ORDER)).toEqual({ applied: 'unchanged', changes: [] });
    const { spec, log } = await service.lineages.state('again');
    expect(spec).toEqual(quietSpec('again'));
    expect(log.map(({ what }) => what)).toEqual(['create']);
  });
});
