import {
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  WithStartWorkflowOperation,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { secondsOf } from '../contracts/duration.ts';
import type { LineageSpec } from '../contracts/lineage-spec.schema.ts';
import type { Applied, LineageState, Order } from '../contracts/lineage-state.ts';
import type { Release } from '../contracts/release.ts';
import { taskQueue } from '../contracts/task-queues.ts';
import * as messages from '../workflows/lineage.messages.ts';
import type { lineage } from '../workflows/lineage.ts';
import { checkpointSignal } from '../workflows/recycle-run.messages.ts';
import type { watchFamily } from '../workflows/watch-family.ts';

import { asRegraftError } from './temporal-errors.ts';

interface Changed {
  readonly changed: boolean;
}

/** Everything a person or a program can do with lineages. Orders may be sent twice; each carries who and why. */
export interface Lineages {
  /** Creates the lineage or changes its spec, and schedules its watch. */
  apply(spec: LineageSpec, order: Order): Promise<{ readonly applied: Applied }>;
  /** Names of all lineages that run, sorted. */
  list(): Promise<readonly string[]>;
  /** @throws LINEAGE_NOT_FOUND, LINEAGE_NOT_ANSWERING */
  state(name: string): Promise<LineageState>;
  pause(name: string, order: Order): Promise<Changed>;
  resume(name: string, order: Order): Promise<Changed>;
  retry(name: string, release: string, order: Order): Promise<Changed>;
  cancel(name: string, release: string, order: Order): Promise<Changed>;
  /** Looks at the source now; with a release's name, announces that one by hand. Returns the names handed over. */
  watchNow(name: string, only?: string): Promise<readonly string[]>;
  /** For the service itself: hands a pinned release to its lineage. */
  observeRelease(name: string, release: Release): Promise<void>;
  /** For the service itself: tells a run of a stored checkpoint. */
  announceCheckpoint(
    run: { readonly workflowId: string; readonly runId: string },
    checkpoint: { readonly step: number; readonly modelDigest: string },
  ): Promise<void>;
}

/** Updates and queries are answered in well under a second; without a worker an update would wait for ever. */
const ANSWER_WITHIN_MS = 30_000;

/** Lineages through a connected Temporal client. */
export function createLineages(client: Client, answerWithinMs: number = ANSWER_WITHIN_MS): Lineages {
  const handle = (name: string): WorkflowHandle<typeof lineage> => client.workflow.getHandle(`lineage/${name}`);
  const ask = <Answer>(name: string, work: () => Promise<Answer>): Promise<Answer> =>
    inWords(name, () => client.withDeadline(Date.now() + answerWithinMs, work));
  return {
    apply: (spec, order) =>
      ask(spec.name, async () => {
        const outcome = await client.workflow.executeUpdateWithStart(messages.applyUpdate, {
          args: [{ ...order, spec }],
          startWorkflowOperation: new WithStartWorkflowOperation<typeof lineage>('lineage', {
            workflowId: `lineage/${spec.name}`,
            taskQueue: taskQueue('control'),
            args: [{ spec }],
            workflowIdConflictPolicy: 'USE_EXISTING',
            staticSummary: `Keeps ${spec.name} on the newest base`,
          }),
        });
        await scheduleWatch(client, spec);
        return outcome;
      }),
    list: () => listLineages(client),
    state: (name) => ask(name, () => handle(name).query(messages.stateQuery)),
    pause: (name, order) => ask(name, () => handle(name).executeUpdate(messages.pauseUpdate, { args: [order] })),
    resume: (name, order) => ask(name, () => handle(name).executeUpdate(messages.resumeUpdate, { args: [order] })),
    retry: (name, release, order) =>
      ask(name, () => handle(name).executeUpdate(messages.retryUpdate, { args: [{ ...order, release }] })),
    cancel: (name, release, order) =>
      ask(name, () => handle(name).executeUpdate(messages.cancelUpdate, { args: [{ ...order, release }] })),
    watchNow: (name, only) =>
      inWords(name, async () => {
        const { spec } = await ask(name, () => handle(name).query(messages.stateQuery));
        const { found } = await client.workflow.execute<typeof watchFamily>('watchFamily', {
          workflowId: `watch/${name}/by-hand/${only ?? 'all'}`,
          workflowIdConflictPolicy: 'USE_EXISTING',
          taskQueue: taskQueue('control'),
          args: [{ lineage: name, family: spec.family, ...(only !== undefined && { only }) }],
        });
        return found;
      }),
    observeRelease: (name, release) =>
      ask(name, async () => {
        const updateId = `${release.name}@${release.digest}`;
        await handle(name).executeUpdate(messages.observeReleaseUpdate, { args: [release], updateId });
      }),
    announceCheckpoint: async ({ workflowId, runId }, checkpoint) => {
      await client.workflow.getHandle(workflowId, runId).signal(checkpointSignal, checkpoint);
    },
  };
}

async function inWords<Answer>(name: string, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    throw asRegraftError(error, name);
  }
}

async function listLineages(client: Client): Promise<readonly string[]> {
  const names: string[] = [];
  const query = `WorkflowType = 'lineage' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query })) names.push(workflowId.slice('lineage/'.length));
  return names.sort();
}

/** The watch asks what is new; what an outage made it miss, the next look finds, so nothing is caught up. */
async function scheduleWatch(client: Client, { name, family }: LineageSpec): Promise<void> {
  const scheduleId = `watch/${name}`;
  const spec = { intervals: [{ every: secondsOf(family.pollEvery) * 1000 }] };
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
