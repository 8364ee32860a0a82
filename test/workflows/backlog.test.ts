import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../support/lineage-values.ts';
import type { HeldTraining } from '../support/held-training.ts';
import { checkpointOf, failure, outcomeOf, type Script } from '../support/scripted-work.ts';
import { ORDER, releaseOf, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

/** A lineage whose training of M1 the test holds; those of later releases go through at once. */
async function createHeld(
  name: string,
  fields: Readonly<Record<string, unknown>>,
): Promise<{ readonly script: Script; readonly training: HeldTraining }> {
  const script = await service.create(name, fields);
  const training = service.holdTraining(name);
  script.instead.finetuneModel = (input) =>
    input.key.release === 'M1' ? training.finetuneModel(input) : script.usual.finetuneModel(input);
  return { script, training };
}

async function statuses(name: string): Promise<readonly string[]> {
  const { releases } = await service.lineages.state(name);
  return releases.map(({ release, status }) => `${release.name} ${status}`);
}

describe('releases N+1 and N+2 that land while N trains', () => {
  it('queue: are worked on one after the other, each with the Δ of the one before', async () => {
    const { training } = await createHeld('queue', { backlog: 'queue' });
    await service.observe('queue', 1);
    await training.untilRunning();
    await service.observe('queue', 3, 2);
    expect(await statuses('queue')).toEqual(['M1 running', 'M2 waiting', 'M3 waiting']);
    training.proceedTo(100);
    const last = await service.until('queue', 'M3');
    expect(await statuses('queue')).toEqual(['M1 succeeded', 'M2 succeeded', 'M3 succeeded']);
    expect(last.arms[0]!.source).toMatchObject({ fromRelease: 'M2', steps: 200 });
  });

  it('latest: N is finished, then the newest is taken, and the one between is skipped', async () => {
    const { script, training } = await createHeld('latest', { backlog: 'latest' });
    await service.observe('latest', 1);
    await training.untilRunning();
    await service.observe('latest', 2, 3);
    training.proceedTo(100);
    const last = await service.until('latest', 'M3');
    expect(await statuses('latest')).toEqual(['M1 succeeded', 'M2 skipped', 'M3 succeeded']);
    expect(last.arms[0]!.source).toMatchObject({ fromRelease: 'M1', steps: 100 });
    expect(last.arms[0]!.sourceReason).toMatch(/over 1 release without one$/);
    const { releases, log } = await service.lineages.state('latest');
    expect(releases[1]).toMatchObject({ note: 'passed over for M3 (backlog: latest)', arms: [] });
    expect(log.at(-1)).toMatchObject({ actor: 'regraft', what: 'skip M2' });
    expect(script.calls.filter(({ release, activity }) => release === 'M2' && activity !== 'pinRelease')).toEqual([]);
  });

  it('latest: one that comes late, older than what is done, is skipped, and run when somebody wants it', async () => {
    await service.create('late', { backlog: 'latest' });
    await service.observe('late', 3);
    await service.until('late', 'M3');
    await service.observe('late', 2);
    await service.until('late', 'M2', 'skipped');
    await service.lineages.retry('late', 'M2', ORDER);
    const wanted = await service.until('late', 'M2', 'succeeded', 'failed');
    expect(wanted).toMatchObject({
      status: 'succeeded',
      wanted: true,
      arms: [{ result: { published: null, withheld: 'M3 is live, which is newer than M2' } }],
    });
    expect((await service.lineages.state('late')).published?.release).toBe('M3');
  });

  it('supersede: N ends at a checkpoint, and the newest starts with its best Δ: no step is thrown away', async () => {
    const { script, training } = await createHeld('supersede', {
      backlog: 'supersede',
      publish: [{ folder: '/live' }],
    });
    script.instead.concludeTraining = async ({ startModel }) => outcomeOf([checkpointOf(startModel, training.saved)]);
    await service.observe('supersede', 1);
    await training.untilRunning();
    training.proceedTo(50);
    await waitUntil('half is trained', async () => training.saved === 50);
    await service.observe('supersede', 2);
    const last = await service.until('supersede', 'M2', 'succeeded', 'failed');
    expect(await statuses('supersede')).toEqual(['M1 superseded', 'M2 succeeded']);

    const first = releaseOf(await service.lineages.state('supersede'), 'M1')!.arms[0]!;
    const checkpoint = checkpointOf(digestOf('M1'), 50);
    expect(first).toMatchObject({
      status: 'superseded',
      result: { candidateDigest: checkpoint.modelDigest, stepsInDelta: 50, superseded: true, published: null },
    });
    expect([training.cancelled, script.of('concludeTraining').length]).toEqual([1, 1]);
    expect(script.story('M1', 'iterative')).not.toContain('judgeCandidate');
    expect(script.story('M1', 'iterative')).not.toContain('publishModel');

    // The fifty steps are in what M2 starts from.
    const carried = digestOf(`${checkpoint.modelDigest} - ${digestOf('M1')}`);
    expect(last.arms[0]!.source).toEqual({
      ...{ deltaDigest: carried, fromRelease: 'M1', fromArm: 'iterative', steps: 50 },
    });
    expect(last.arms[0]!.result).toMatchObject({ startModelDigest: digestOf(`${digestOf('M2')} + ${carried}`) });
    expect(last.arms[0]!.result!.stepsInDelta).toBe(150);
  });

  it('supersede: two that land at once end it once, and the one between is skipped', async () => {
    const { script, training } = await createHeld('two', { backlog: 'supersede', controls: ['plain'] });
    await service.observe('two', 1);
    await training.untilRunning();
    training.proceedTo(50);
    await waitUntil('half is trained', async () => training.saved === 50);
    await service.lineages.pause('two', ORDER);
    await service.observe('two', 2, 3);
    await service.lineages.resume('two', ORDER);
    const last = await service.until('two', 'M3', 'succeeded', 'failed');
    expect(await statuses('two')).toEqual(['M1 superseded', 'M2 skipped', 'M3 succeeded']);
    expect(last.arms[0]!.source).toMatchObject({ fromRelease: 'M1', steps: 50 });
    expect(script.of('concludeTraining')).toHaveLength(1);
  });

  it('supersede: before it has trained anything it leaves nothing, and the chain goes on from what was before', async () => {
    const script = await service.create('early', { backlog: 'supersede' });
    await service.observe('early', 1);
    await service.until('early', 'M1');
    let begun = 0;
    script.instead.recycleModel = async (input) => {
      if (input.key.release !== 'M2') return script.usual.recycleModel(input);
      begun += 1;
      throw failure('STORE_BUSY', { retryable: true });
    };
    await service.observe('early', 2);
    await waitUntil('M2 recycles', async () => begun > 0);
    await service.observe('early', 3);
    const last = await service.until('early', 'M3', 'succeeded', 'failed');
    expect(await statuses('early')).toEqual(['M1 succeeded', 'M2 superseded', 'M3 succeeded']);
    expect(releaseOf(await service.lineages.state('early'), 'M2')!.arms[0]!.result).toBeNull();
    expect(last.arms[0]!.source).toMatchObject({ fromRelease: 'M1' });
  });

  it('supersede: a training that ends before it saved anything leaves nothing', async () => {
    const { script, training } = await createHeld('unsaved', { backlog: 'supersede' });
    script.instead.concludeTraining = async () => {
      throw failure('TRAINING_NOTHING_SAVED', { retryable: false });
    };
    await service.observe('unsaved', 1);
    await training.untilRunning();
    await service.observe('unsaved', 2);
    const last = await service.until('unsaved', 'M2', 'succeeded', 'failed');
    expect(await statuses('unsaved')).toEqual(['M1 superseded', 'M2 succeeded']);
    expect(last.arms[0]!.source).toBeNull();
  });

  it('supersede: one that was superseded goes on from its checkpoint when it is retried', async () => {
    const { script, training } = await createHeld('again', { backlog: 'supersede' });
    script.instead.concludeTraining = async ({ startModel }) => outcomeOf([checkpointOf(startModel, training.saved)]);
    await service.observe('again', 1);
    await training.untilRunning();
    training.proceedTo(50);
    await waitUntil('half is trained', async () => training.saved === 50);
    await service.observe('again', 2);
    await service.until('again', 'M2', 'succeeded', 'failed');
    training.proceedTo(100);
    await service.lineages.retry('again', 'M1', ORDER);
    expect(await service.until('again', 'M1', 'succeeded', 'failed')).toMatchObject({
      status: 'succeeded',
      retries: 1,
    });
    expect(training.starts).toEqual([0, 50]);
    expect((await service.lineages.state('again')).published?.release).toBe('M2');
  });

  it('a change of the backlog counts at once', async () => {
    const { training, script } = await createHeld('changed', { backlog: 'queue' });
    script.instead.concludeTraining = async ({ startModel }) => outcomeOf([checkpointOf(startModel, training.saved)]);
    await service.observe('changed', 1);
    await training.untilRunning();
    training.proceedTo(50);
    await waitUntil('half is trained', async () => training.saved === 50);
    await service.observe('changed', 2);
    const { spec } = await service.lineages.state('changed');
    const changes = [{ path: 'backlog', from: 'queue', to: 'supersede', applies: 'now' }];
    const superseding = { ...spec, backlog: 'supersede' } as const;
    expect(await service.lineages.changes(superseding)).toEqual(changes);
    expect(await service.lineages.apply(superseding, ORDER)).toEqual({ applied: 'changed', changes });
    await service.until('changed', 'M2', 'succeeded', 'failed');
    expect(await statuses('changed')).toEqual(['M1 superseded', 'M2 succeeded']);
  });
});
