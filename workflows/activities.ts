import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { createEvaluateActivities } from '../activities/evaluate.ts';
import type { createModelActivities } from '../activities/model.ts';
import type { createProbeActivities } from '../activities/probe.ts';
import type { createPublishActivities } from '../activities/publish.ts';
import type { createRecordActivities } from '../activities/record.ts';
import type { createReleaseActivities } from '../activities/release.ts';
import type { createTrainActivities } from '../activities/train.ts';
import { taskQueue, trainingTaskQueue } from '../contracts/task-queues.ts';

/** Waits between tries: soon at first (a restarted worker is there in seconds), a minute at most. */
const retry: NonNullable<ActivityOptions['retry']> = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '1m',
};

/**
 * Cancelled work is waited for: a training saves before it ends, and until then its folder is its own. Said here because
 * the SDK does not wait unless told to, whatever its documentation says (sdk-typescript#2442).
 */
const cancellationType: NonNullable<ActivityOptions['cancellationType']> = 'WAIT_CANCELLATION_COMPLETED';

/** Transfers and records. */
export const io = proxyActivities<
  ReturnType<typeof createReleaseActivities> &
    ReturnType<typeof createPublishActivities> &
    ReturnType<typeof createRecordActivities>
>({
  taskQueue: taskQueue('io'),
  heartbeatTimeout: '10s',
  startToCloseTimeout: '6h',
  scheduleToCloseTimeout: '24h',
  retry,
  cancellationType,
});

/** Weight arithmetic, and looking at what it makes. */
export const cpu = proxyActivities<ReturnType<typeof createModelActivities> & ReturnType<typeof createProbeActivities>>(
  {
    taskQueue: taskQueue('cpu'),
    heartbeatTimeout: '10s',
    startToCloseTimeout: '2h',
    scheduleToCloseTimeout: '6h',
    retry,
    cancellationType,
  },
);

/** Scoring. */
export const evaluation = proxyActivities<ReturnType<typeof createEvaluateActivities>>({
  taskQueue: taskQueue('evaluate'),
  heartbeatTimeout: '10s',
  startToCloseTimeout: '1h',
  scheduleToCloseTimeout: '4h',
  retry,
  cancellationType,
});

/**
 * Supervision of trainings. A lost worker is noticed within the heartbeat timeout; the trainer goes on meanwhile and is
 * adopted. No limit on attempts: preemption and pauses each end one.
 *
 * @param queue of the spec; `gpu` unless given
 */
export function gpuOn(queue: string | undefined): ReturnType<typeof createTrainActivities> {
  return proxyActivities<ReturnType<typeof createTrainActivities>>({
    taskQueue: trainingTaskQueue(queue),
    heartbeatTimeout: '10s',
    startToCloseTimeout: '7d',
    scheduleToCloseTimeout: '30d',
    retry,
    cancellationType,
  });
}
