import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure } from '../support/scripted-work.ts';
import { ORDER, releaseOf, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitAtLength } from '../support/wait-at-length.ts';

/** Runs of a lineage, newest first: each began where the one before it continued as new. */
async function runsOf(service: Service, name: string): Promise<readonly string[]> {
  const runs: string[] = [];
  const query = `WorkflowId = 'lineage/${name}'`;
  for await (const { runId } of service.env.client.workflow.list({ query })) runs.push(runId);
  return runs;
}

async function currentRun(service: Service, name: string): Promise<string> {
  return (await service.env.client.workflow.getHandle(`lineage/${name}`).describe()).runId;
}

describe('a lineage whose history has grown long, by what the server says', () => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.start(await startTemporal({ 'limit.historyCount.suggestContinueAsNew': 60 }));
  });
  afterAll(() => service.stop());

  it('begins anew between releases, never within one, with everything it knew', async () => {
    const script = await service.create('long', { controls: ['plain'] });
    const first = await currentRun(service, 'long');
    await service.observe('long', 1, 2);
    const second = await service.until('long', 'M2', 'succeeded');
    await waitAtLength('it began anew', async () => (await currentRun(service, 'long')) !== first);
    const state = await service.lineages.state('long');
    expect(releaseOf(state, 'M2')).toEqual(second);

    await service.observe('long', 2, 3);
    const third = await service.until('long', 'M3', 'succeeded');
    const delta = second.arms[0]!.result!.deltaDigest;
    expect(third.arms[0]!.source).toEqual({ deltaDigest: delta, fromRelease: 'M2', fromArm: 'iterative', steps: 200 });
    expect(
      script
        .of('inspectRelease')
        .map(({ release, arm }) => `${release} ${String(arm)}`)
        .sort(),
    ).toEqual(['M1 iterative', 'M2 iterative', 'M2 plain', 'M3 iterative', 'M3 plain']);

    const runs = await runsOf(service, 'long');
    expect(runs.length).toBeGreaterThanOrEqual(2);
    for (const run of runs) {
      const { events } = await service.env.client.workflow.getHandle('lineage/long', run).fetchHistory();
      const count = (kind: keyof NonNullable<typeof events>[number]): number =>
        events?.filter((event) => event[kind]).length ?? 0;
      expect(count('childWorkflowExecutionCompletedEventAttributes')).toBe(
        count('startChildWorkflowExecutionInitiatedEventAttributes'),
      );
    }
  });

  it('begins anew while it is paused too, and stays paused', async () => {
    await service.create('paused');
    const first = await currentRun(service, 'paused');
    await service.lineages.pause('paused', ORDER);
    await service.observe('paused', ...Array.from({ length: 20 }, (_, index) => index + 1));
    await waitAtLength('it began anew', async () => (await currentRun(service, 'paused')) !== first);
    const { paused, releases, log } = await service.lineages.state('paused');
    expect(paused).toMatchObject(ORDER);
    expect(releases.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'waiting'));
    expect(log.map(({ what }) => what)).toEqual(['create', 'pause']);
    expect(service.pausedGauge.get('paused')).toBe(true);
  });
});

describe('a lineage that has concluded fifty releases', () => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.start(await startTemporal());
  });
  afterAll(() => service.stop());

  it('begins anew, and the fifty-first recycles the Δ of the first', { timeout: 120_000 }, async () => {
    const script = await service.create('fifty');
    script.instead.inspectRelease = async (input) => {
      const [number = 0] = input.release.position;
      if (number > 1 && number <= 50) throw failure('INSPECT_REFUSED', { retryable: false });
      return script.usual.inspectRelease(input);
    };
    const first = await currentRun(service, 'fifty');
    await service.lineages.pause('fifty', ORDER);
    await service.observe('fifty', ...Array.from({ length: 51 }, (_, index) => index + 1));
    await service.lineages.resume('fifty', ORDER);
    const last = await service.until('fifty', 'M51');
    expect(last.arms[0]!.source).toMatchObject({ fromRelease: 'M1' });
    expect(last.arms[0]!.sourceReason).toMatch(/, over 49 releases without one$/);
    const { releases } = await service.lineages.state('fifty');
    expect(releases.filter(({ status }) => status === 'failed')).toHaveLength(49);
    await waitAtLength('both runs are listed', async () => (await runsOf(service, 'fifty')).length === 2);
    expect(await currentRun(service, 'fifty')).not.toBe(first);
  });
});
