import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf, makeRelease, makeScore } from '../support/lineage-values.ts';
import { ORDER, releaseOf, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

const TRAINED = ['evaluateModel 0', 'finetuneModel', 'evaluateModel 50', 'evaluateModel 100', 'differenceModel'];

describe('a lineage', () => {
  it('carries at the second release the Δ that the first left, and tells so', async () => {
    await service.create('two');
    await service.observe('two', 1, 2);
    await service.until('two', 'M2');
    const { releases, published } = await service.lineages.state('two');
    expect(releases.map(({ release, status }) => `${release.name} ${status}`)).toEqual([
      'M1 succeeded',
      'M2 succeeded',
    ]);
    const [first, second] = releases.map(({ arms }) => arms[0]!);
    expect(first).toMatchObject({ arm: 'iterative', source: null, stage: null, failure: null });
    expect(first!.result).toMatchObject({ startModelDigest: digestOf('M1'), stepsInDelta: 100, best: { step: 100 } });

    const delta = first!.result!.deltaDigest;
    expect(second!.source).toEqual({ deltaDigest: delta, fromRelease: 'M1', fromArm: 'iterative', steps: 100 });
    expect(second!.sourceReason).toBe("Δ of M1's iterative arm, the newest that succeeded");
    expect(second!.result).toMatchObject({
      startModelDigest: digestOf(`${digestOf('M2')} + ${delta}`),
      deltaDigest: digestOf(`${second!.result!.candidateDigest} - ${digestOf('M2')}`),
      stepsInDelta: 200,
    });
    expect(published).toMatchObject({ release: 'M2', candidateDigest: second!.result!.candidateDigest });
    expect(releases.map(({ recordDigest }) => recordDigest)).toEqual(
      ['M1', 'M2'].map((name) => digestOf(`record of ${name}`)),
    );
  });

  it('goes through the stages in the order of the policy, and compares the arms once all are done', async () => {
    const script = await service.create('stages', { controls: ['plain'], publish: [{ folder: '/live' }] });
    await service.observe('stages', 1, 2);
    await service.until('stages', 'M2');
    const live = ['judgeCandidate', 'publishModel', 'recordRun'];
    expect(script.story('M1', 'iterative')).toEqual(['inspectRelease', ...TRAINED, ...live]);
    expect(script.story('M2', 'iterative')).toEqual(['inspectRelease', 'recycleModel', ...TRAINED, ...live]);
    expect(script.story('M2', 'plain')).toEqual(['inspectRelease', ...TRAINED, 'recordRun']);
    expect(script.calls.at(-1)).toMatchObject({ activity: 'concludeRelease', release: 'M2' });
    expect(script.of('concludeRelease')).toHaveLength(2);
  });

  it('goes on when the comparison of a release cannot be recorded, and says so in its log', async () => {
    const script = await service.create('unrecorded');
    script.instead.concludeRelease = async () => {
      throw ApplicationFailure.nonRetryable('The store is read-only.', 'STORE_CORRUPT');
    };
    await service.observe('unrecorded', 1, 2);
    expect(await service.until('unrecorded', 'M2')).toMatchObject({ status: 'succeeded', recordDigest: null });
    const { log } = await service.lineages.state('unrecorded');
    expect(log.slice(1)).toMatchObject([
      { actor: 'regraft', what: 'record M1', reason: 'The store is read-only. [STORE_CORRUPT]' },
      { actor: 'regraft', what: 'record M2' },
    ]);
  });

  it('does work that arms share once: one training at M1, two at M2, three at M3', async () => {
    const script = await service.create('shared', { controls: ['direct', 'plain'] });
    await service.observe('shared', 1, 2, 3);
    await service.until('shared', 'M3');
    const { releases } = await service.lineages.state('shared');
    const told = releases.map(({ arms }) => arms.map(({ arm, status, sharedWith }) => [arm, status, sharedWith]));
    expect(told).toEqual([
      [
        ['iterative', 'succeeded', null],
        ['direct', 'shared', 'iterative'],
        ['plain', 'shared', 'iterative'],
      ],
      [
        ['iterative', 'succeeded', null],
        ['direct', 'shared', 'iterative'],
        ['plain', 'succeeded', null],
      ],
      [
        ['iterative', 'succeeded', null],
        ['direct', 'succeeded', null],
        ['plain', 'succeeded', null],
      ],
    ]);
    const trained = script.of('finetuneModel').map(({ release, arm }) => `${release} ${String(arm)}`);
    expect(trained.sort()).toEqual(
      ['M1 iterative', 'M2 iterative', 'M2 plain', 'M3 direct', 'M3 iterative', 'M3 plain'].sort(),
    );
    const carried = releases[2]!.arms.map(({ source }) => source && `${source.fromRelease} ${source.fromArm}`);
    expect(carried).toEqual(['M2 iterative', 'M2 plain', null]);
  });

  it('keeps a rejected candidate from going live and carries its Δ all the same', async () => {
    const script = await service.create('rejected', { gate: { nonInferior: { sums: 0.1 } } });
    const scores = { M1: 0.9, M2: 0.7, M3: 0.85 };
    script.instead.evaluateModel = async ({ key, step }) =>
      makeScore({
        score: step === 100 ? (Object.entries(scores).find(([name]) => name === key.release)?.[1] ?? 0) : 0,
      });
    await service.observe('rejected', 1, 2, 3);
    await service.until('rejected', 'M3');
    const { releases, published } = await service.lineages.state('rejected');
    const [, second, third] = releases.map(({ arms }) => arms[0]!);
    expect(second!.result).toMatchObject({ published: null, gateSentence: 'rejected: as scripted' });
    expect(script.story('M2', 'iterative')).not.toContain('publishModel');
    expect(third!.source?.deltaDigest).toBe(second!.result!.deltaDigest);
    expect(third!.result!.gateSentence).toBe('passed: as scripted');
    expect(published?.release).toBe('M3');
  });

  it('takes waiting releases in family order, one after the other, in whatever order they came', async () => {
    const script = await service.create('order');
    await service.lineages.pause('order', ORDER);
    await service.observe('order', 10, 2, 1);
    await service.lineages.resume('order', ORDER);
    await service.until('order', 'M10');
    const begun = script.calls.filter(({ activity }) => ['inspectRelease', 'concludeRelease'].includes(activity));
    expect(begun.map(({ activity, release }) => `${activity} ${release}`)).toEqual(
      ['M1', 'M2', 'M10'].flatMap((name) => [`inspectRelease ${name}`, `concludeRelease ${name}`]),
    );
  });

  it('shows the stage that a run is in, and none that it hears of when the run has ended', async () => {
    await service.create('stage');
    const training = service.holdTraining('stage');
    await service.observe('stage', 1);
    await training.untilRunning();
    const running = releaseOf(await service.lineages.state('stage'), 'M1')!;
    expect([running.status, running.arms[0]!.status, running.arms[0]!.stage]).toEqual([
      'running',
      'running',
      'finetune',
    ]);
    training.proceedTo(100);
    const ended = await service.until('stage', 'M1');
    const lineage = service.env.client.workflow.getHandle('lineage/stage');
    await lineage.signal('stage', { release: 'M1', arm: 'iterative', stage: 'record' });
    expect(releaseOf(await service.lineages.state('stage'), 'M1')).toEqual(ended);
  });
});

describe('a release', () => {
  it('is run once, however often and at the same time it is observed', async () => {
    const script = await service.create('once');
    const handle = service.env.client.workflow.getHandle('lineage/once');
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        handle.executeUpdate('observeRelease', { args: [makeRelease(1)], updateId: `observer ${String(index)}` }),
      ),
    );
    expect(answers).toContainEqual({ observation: 'queued' });
    expect(answers.filter((answer) => JSON.stringify(answer) !== '{"observation":"known"}')).toHaveLength(1);
    await service.until('once', 'M1');
    await service.observe('once', 1, 1);
    expect((await service.lineages.state('once')).releases).toHaveLength(1);
    expect(script.of('inspectRelease')).toHaveLength(1);
  });

  it('is refused under a known name with another digest, and leaves no trace in the history', async () => {
    await service.create('moved');
    await service.lineages.pause('moved', ORDER);
    await service.observe('moved', 1);
    const before = await service.lineages.state('moved');
    const accepted = await acceptedUpdates('lineage/moved');
    const moved = { ...makeRelease(1), digest: digestOf('other content') };
    await expect(service.lineages.observeRelease('moved', moved)).rejects.toMatchObject({
      code: 'RELEASE_MOVED',
      message: expect.stringMatching(/^Release M1 is known to lineage moved with another digest/),
    });
    expect(await service.lineages.state('moved')).toEqual(before);
    expect(await acceptedUpdates('lineage/moved')).toEqual(accepted);
    expect(accepted).toHaveLength(3);
  });

  it('that is unknown can be neither retried nor cancelled', async () => {
    await service.create('unknown');
    const refused = {
      code: 'RELEASE_UNKNOWN',
      message: expect.stringContaining('knows no release M7; it knows none yet'),
    };
    await expect(service.lineages.retry('unknown', 'M7', ORDER)).rejects.toMatchObject(refused);
    await expect(service.lineages.cancel('unknown', 'M7', ORDER)).rejects.toMatchObject(refused);
    expect(await acceptedUpdates('lineage/unknown')).toEqual(['apply']);
  });

  it('that succeeded can be neither retried nor cancelled', async () => {
    await service.create('done');
    await service.observe('done', 1);
    const ended = await service.until('done', 'M1');
    await expect(service.lineages.retry('done', 'M1', ORDER)).rejects.toMatchObject({ code: 'RELEASE_NOT_RETRYABLE' });
    await expect(service.lineages.cancel('done', 'M1', ORDER)).rejects.toMatchObject({ code: 'RELEASE_FINISHED' });
    expect(releaseOf(await service.lineages.state('done'), 'M1')).toEqual(ended);
  });
});

/** Names of the updates that entered a workflow's history. */
async function acceptedUpdates(workflowId: string): Promise<readonly (string | null | undefined)[]> {
  const { events } = await service.env.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(({ workflowExecutionUpdateAcceptedEventAttributes: accepted }) =>
    accepted ? [accepted.acceptedRequest?.input?.name] : [],
  );
}
