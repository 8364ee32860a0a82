import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Script } from '../support/scripted-work.ts';
import { ORDER, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitAtLength } from '../support/wait-at-length.ts';
import { waitUntil } from '../support/wait-until.ts';

let service: Service;
let giveUp: () => void = () => undefined;
/** What a lost worker answers: nothing, until the tests are over. */
const silence = new Promise<never>((_, reject) => {
  giveUp = () => {
    reject(new Error('the tests are over'));
  };
});
silence.catch(() => undefined);

beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(async () => {
  giveUp();
  await service.stop();
});

/** A lineage at whose first release this activity falls silent the first time; returns once it has. */
async function loseFirst(activity: 'finetuneModel' | 'inspectRelease', lineage: string): Promise<Script> {
  const script = await service.create(lineage);
  const lost = (): boolean => script.of(activity).length === 1;
  script.instead =
    activity === 'finetuneModel'
      ? { finetuneModel: (input) => (lost() ? silence : script.usual.finetuneModel(input)) }
      : { inspectRelease: (input) => (lost() ? silence : script.usual.inspectRelease(input)) };
  await service.observe(lineage, 1);
  await waitUntil(`${activity} runs`, async () => lost());
  return script;
}

async function untilNoticed(lineage: string): Promise<void> {
  const run = service.env.client.workflow.getHandle(`lineage/${lineage}/run/M1/iterative`);
  await waitAtLength('the loss is noticed', async () => {
    await setTimeout(100);
    const { events } = await run.fetchHistory();
    return events?.some((event) => event.activityTaskTimedOutEventAttributes) ?? false;
  });
}

// The waits are real, ten seconds of silence each, so they are had at the same time.
describe.concurrent('a worker that is lost', () => {
  it('in a training: it is tried again once nothing was heard for the heartbeat timeout', async () => {
    const script = await loseFirst('finetuneModel', 'lost');
    expect(await service.until('lost', 'M1')).toMatchObject({ status: 'succeeded' });
    expect(script.of('finetuneModel')).toHaveLength(2);
  });

  it('in a training that was told to save for a pause: it is tried again after the pause', async () => {
    const script = await loseFirst('finetuneModel', 'lost-held');
    await service.lineages.pause('lost-held', ORDER);
    await untilNoticed('lost-held');
    await service.untilQuiet('lineage/lost-held/run/M1/iterative');
    expect(script.of('finetuneModel')).toHaveLength(1);
    await service.lineages.resume('lost-held', ORDER);
    expect(await service.until('lost-held', 'M1')).toMatchObject({ status: 'succeeded' });
    expect(script.of('finetuneModel')).toHaveLength(2);
  });

  it('in work that was cancelled: the release is cancelled, not failed', async () => {
    const script = await loseFirst('inspectRelease', 'lost-cancelled');
    await service.lineages.cancel('lost-cancelled', 'M1', ORDER);
    await untilNoticed('lost-cancelled');
    expect(await service.until('lost-cancelled', 'M1')).toMatchObject({
      status: 'cancelled',
      arms: [{ status: 'cancelled', failure: null }],
    });
    expect(script.of('inspectRelease')).toHaveLength(1);
  });
});
