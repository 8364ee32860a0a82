import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { secondsOf } from '../contracts/duration.ts';
import type { LineageSpec } from '../contracts/lineage-spec.schema.ts';
import { taskQueue } from '../contracts/task-queues.ts';

/** Begins the ids of the Schedules, and of every look at a source. */
export const WATCH = 'watch/';

/** Of the interval: so that a thousand lineages do not ask at the same moment. */
const JITTER = 0.1;

/**
 * The watch asks what is new; what an outage made it miss, the next look finds, so one missed look at most is caught up, and
 * looks never overlap.
 */
export async function scheduleWatch(client: Client, { name, family }: LineageSpec): Promise<void> {
  const scheduleId = `${WATCH}${name}`;
  const everyMs = secondsOf(family.pollEvery) * 1000;
  const spec = { intervals: [{ every: everyMs }], jitter: Math.round(everyMs * JITTER) };
  const action = {
    type: 'startWorkflow' as const,
    workflowType: 'watchFamily',
    workflowId: scheduleId,
    taskQueue: taskQueue('control'),
    args: [{ lineage: name, family }],
  };
  const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' as const, pauseOnFailure: false };
  try {
    await client.schedule.create({ scheduleId, spec, action, policies, state: { triggerImmediately: true } });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(scheduleId).update(({ state }) => ({ spec, action, policies, state }));
  }
}
