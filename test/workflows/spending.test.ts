import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../support/lineage-values.ts';
import { announce, checkpointOf, failure } from '../support/scripted-work.ts';
import { ORDER, releaseOf, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

describe('the budget of a run', () => {
  it('ends its training at the checkpoint at which the GPU-hours are spent, and judges the best', async () => {
    // A scripted training takes 0.6 s a step on one GPU: 30 s at step 50.
    const script = await service.create('hours', { budget: { run: { gpuHours: 30 / 3600 } } });
    const training = service.holdTraining('hours');
    training.proceedTo(50);
    await service.observe('hours', 1);
    const { status, arms } = await service.until('hours', 'M1');
    expect([status, script.of('concludeTraining').length]).toEqual(['succeeded', 1]);
    expect(arms[0]!.result).toMatchObject({ candidateDigest: checkpointOf(digestOf('M1'), 50).modelDigest });
    expect((await service.lineages.state('hours')).published?.release).toBe('M1');
  });

  it('fails the run where that is declared, and a retry with a larger one goes on', async () => {
    await service.create('fail', { budget: { run: { gpuHours: 30 / 3600, then: 'fail' } } });
    const training = service.holdTraining('fail');
    training.proceedTo(50);
    await service.observe('fail', 1);
    const failed = await service.until('fail', 'M1');
    expect(failed.arms[0]!.failure).toMatchObject({
      code: 'BUDGET_SPENT',
      message: expect.stringContaining('0.01 of 0.008333333333333333 GPU-hours') as string,
    });
    const { spec } = await service.lineages.state('fail');
    await service.lineages.apply({ ...spec, budget: { run: { gpuHours: 1, then: 'fail' } } }, ORDER);
    training.proceedTo(100);
    await service.lineages.retry('fail', 'M1', ORDER);
    expect((await service.until('fail', 'M1', 'succeeded', 'failed')).status).toBe('succeeded');
    expect(training.starts).toEqual([0, 50]);
  });

  it('ends its training when the wall time is up', async () => {
    const script = await service.create('wall', { budget: { run: { wallTime: '1s' } } });
    const training = service.holdTraining('wall');
    training.proceedTo(50);
    await service.observe('wall', 1);
    const { status } = await service.until('wall', 'M1');
    expect([status, script.of('concludeTraining').length, training.cancelled]).toEqual(['succeeded', 1, 1]);
  });
});

describe('the budget of a lineage', () => {
  it('pauses it before the release that would go beyond it, and a larger one lets it go on', async () => {
    await service.create('pause', { budget: { lineage: { steps: 150 } } });
    await service.observe('pause', 1, 2, 3);
    await waitUntil('it is paused', async () => (await service.lineages.state('pause')).paused !== null);
    const state = await service.lineages.state('pause');
    expect(state.releases.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'waiting']);
    expect(state.spent).toEqual({ steps: 200, trainedSeconds: 120, gpuSeconds: 120 });
    expect(state.paused).toMatchObject({
      actor: 'regraft',
      reason: expect.stringContaining('200 of 150 steps') as string,
    });
    expect(service.pausedGauge.get('pause')).toBe(true);
    await service.lineages.apply({ ...state.spec, budget: { lineage: { steps: 300, then: 'pause' } } }, ORDER);
    await service.lineages.resume('pause', ORDER);
    expect((await service.until('pause', 'M3')).status).toBe('succeeded');
  });

  it('skips releases where that is declared', async () => {
    await service.create('skip', { budget: { lineage: { gpuHours: 0.01, then: 'skip' } } });
    await service.observe('skip', 1);
    await service.until('skip', 'M1');
    await service.observe('skip', 2);
    const { note } = await service.until('skip', 'M2', 'skipped');
    expect(note).toContain('0.02 of 0.01 GPU-hours');
  });

  it('counts what a run that fails has taken', async () => {
    const script = await service.create('lost', { budget: { lineage: { steps: 1000 } } });
    script.instead.finetuneModel = async ({ startModel }) => {
      await announce(service.door, startModel, 50);
      await waitUntil('the checkpoint is evaluated', async () => script.of('evaluateModel').length === 2);
      throw failure('TRAINER_DIVERGED', { retryable: false });
    };
    await service.observe('lost', 1);
    await service.until('lost', 'M1', 'failed');
    expect((await service.lineages.state('lost')).spent).toEqual({ steps: 50, trainedSeconds: 30, gpuSeconds: 30 });
  });
});

describe('arms of one release', () => {
  it('run as many at a time as the spec allows, and one that waits for plain finds it done', async () => {
    const gate = { against: 'plain', nonInferior: { sums: 0.5 } };
    const controls = ['plain', 'direct'];
    const script = await service.create('one', { concurrency: 1, controls, gate });
    let most = 0;
    let running = 0;
    script.instead.finetuneModel = async (input) => {
      running += 1;
      most = Math.max(most, running);
      await waitUntil('it was looked at', async () => true);
      running -= 1;
      return script.usual.finetuneModel(input);
    };
    await service.observe('one', 1, 2, 3);
    const { arms } = await service.until('one', 'M3');
    expect(arms.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(most).toBe(1);
    const begun = script.of('inspectRelease').filter(({ release }) => release === 'M3');
    expect(begun[0]!.arm).toBe('plain');
  });

  it('controls run at every n-th release, beginning with the first', async () => {
    await service.create('nth', { controls: ['plain'], controlsEvery: 2 });
    await service.observe('nth', 1, 2, 3);
    await service.until('nth', 'M3');
    const { releases } = await service.lineages.state('nth');
    expect(releases.map(({ arms }) => arms.map(({ arm }) => arm))).toEqual([
      ['iterative', 'plain'],
      ['iterative'],
      ['iterative', 'plain'],
    ]);
  });

  it('transfer-only trains where there is no Δ, and adds it to every later release', async () => {
    const script = await service.create('transfer', { strategy: 'transfer-only' });
    await service.observe('transfer', 1, 2, 3);
    const { arms } = await service.until('transfer', 'M3');
    const first = releaseOf(await service.lineages.state('transfer'), 'M1')!.arms[0]!.result!;
    expect(arms[0]!.source).toMatchObject({ deltaDigest: first.deltaDigest, fromRelease: 'M1', steps: 100 });
    expect(arms[0]!.result).toMatchObject({ best: { step: 0 }, deltaDigest: first.deltaDigest });
    expect(script.of('finetuneModel').map(({ release }) => release)).toEqual(['M1']);
    expect((await service.lineages.state('transfer')).published?.release).toBe('M3');
  });
});

describe('what was ordered', () => {
  it('goes into the record of the release that is concluded next, once', async () => {
    const script = await service.create('record');
    const told: (readonly string[])[] = [];
    script.instead.concludeRelease = async (input) => {
      told.push((input.orders ?? []).map(({ what }) => what));
      return script.usual.concludeRelease(input);
    };
    await service.lineages.pause('record', ORDER);
    await service.lineages.resume('record', ORDER);
    await service.observe('record', 1);
    await service.until('record', 'M1');
    await service.lineages.noteTrouble('record', { what: 'watch', why: 'the Hub is down' });
    await service.lineages.noteTrouble('record', { what: 'watch', why: 'the Hub is down' });
    await service.observe('record', 2);
    await service.until('record', 'M2');
    expect(told).toEqual([['create', 'pause', 'resume'], ['watch']]);
  });
});
