import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { taskQueue } from '../../contracts/task-queues.ts';
import type { recycleRun } from '../../workflows/recycle-run.ts';
import { makeRunInput } from '../support/run-input.ts';
import { failure } from '../support/scripted-work.ts';
import { Service } from '../support/service.ts';
import { startTimeSkippingTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

const SECOND_MS = 1000;
const DAY_MS = 86_400 * SECOND_MS;

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTimeSkippingTemporal());
});
afterAll(() => service.stop());

function begin(lineage: string): Promise<WorkflowHandle<typeof recycleRun>> {
  return service.env.client.workflow.start<typeof recycleRun>('recycleRun', {
    workflowId: `run/${lineage}`,
    taskQueue: taskQueue('control'),
    args: [makeRunInput(lineage)],
  });
}

describe('an activity', () => {
  it('that fails for a passing reason is tried again, after longer and longer waits of a minute at most', async () => {
    const script = service.work.script('flaky');
    const triedAtMs: number[] = [];
    script.instead.inspectRelease = async (input) => {
      triedAtMs.push(await service.env.currentTimeMs());
      if (triedAtMs.length <= 8) throw failure('STORE_BUSY', { retryable: true });
      return script.usual.inspectRelease(input);
    };
    const run = await begin('flaky');
    expect(await run.result()).toMatchObject({ best: { step: 100 } });
    const waits = triedAtMs.slice(1).map((atMs, index) => Math.floor((atMs - triedAtMs[index]!) / SECOND_MS));
    [1, 2, 4, 8, 16, 32, 60, 60].forEach((seconds, index) => {
      expect(waits[index]).toBeGreaterThanOrEqual(seconds);
    });
    expect(waits).toHaveLength(8);
    expect(waits[7]).toBeLessThan(90); // it would be 100 by Temporal's own limit
  });

  it('that fails for good is not tried again', async () => {
    const script = service.work.script('refused');
    script.instead.inspectRelease = async () => {
      throw failure('INSPECT_REFUSED', { retryable: false });
    };
    await expect((await begin('refused')).result()).rejects.toMatchObject({
      cause: { cause: { type: 'INSPECT_REFUSED', nonRetryable: true } },
    });
    expect(script.calls).toHaveLength(1);
  });
});

describe('a pause', () => {
  it('of forty days in a training, longer than a training may take, costs nothing', async () => {
    const training = service.holdTraining('forty-days');
    training.proceedTo(50);
    const run = await begin('forty-days');
    await waitUntil('step 50 is saved', async () => training.saved === 50);
    await run.signal('hold', { held: true });
    await waitUntil('the training is cancelled', async () => training.cancelled === 1);
    const heldAtMs = await service.env.currentTimeMs();
    await service.env.sleep('40 days');
    expect(await service.env.currentTimeMs()).toBeGreaterThanOrEqual(heldAtMs + 40 * DAY_MS);
    training.proceedTo(100);
    await run.signal('hold', { held: false });
    expect(await run.result()).toMatchObject({ best: { step: 100 } });
    expect(training.starts).toEqual([0, 50]);
  });
});
