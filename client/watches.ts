import { isGrpcServiceError, ScheduleNotFoundError, ServiceError, type Client } from '@temporalio/client';
import { messageOf, RegraftError } from '../contracts/error.ts';
import { familySchema, type FamilySpec } from '../contracts/family.schema.ts';
import { taskQueue } from '../contracts/task-queues.ts';
import { WATCH } from './watch-schedule.ts';

/** The server answers in milliseconds; whoever calls is waited for by somebody else. */
const ANSWER_WITHIN_MS = 5_000;

/** The standing order to look at one lineage's source. */
export interface Watch {
  readonly lineage: string;
  readonly family: FamilySpec;
  /** What a look is started with, exactly as the Schedule starts one. */
  readonly args: readonly unknown[];
}

/** The looks at sources, asked of the server alone: no worker has to run. */
export interface Watches {
  /** @throws TEMPORAL_UNREACHABLE, retryable */
  list(): Promise<readonly Watch[]>;
  /**
   * Starts a look beside those of the Schedule; once this resolves it takes place, whatever is killed. The same `key` again
   * while it goes on is the same look. @throws TEMPORAL_UNREACHABLE, retryable
   */
  lookSoon(watch: Watch, key: string): Promise<void>;
}

/** Watches through a connected Temporal client. */
export function createWatches(client: Client): Watches {
  const ask = async <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, work);
    } catch (error) {
      throw inWords(error);
    }
  };
  return {
    list: () =>
      ask(async () => {
        const ids: string[] = [];
        for await (const { scheduleId } of client.schedule.list())
          if (scheduleId.startsWith(WATCH)) ids.push(scheduleId);
        const found = await Promise.all(ids.map((id) => readWatch(client, id)));
        return found.filter((watch) => watch !== null);
      }),
    lookSoon: ({ lineage, args }, key) =>
      ask(async () => {
        await client.workflow.start('watchFamily', {
          workflowId: `${WATCH}${lineage}/told/${key}`,
          workflowIdConflictPolicy: 'USE_EXISTING',
          taskQueue: taskQueue('control'),
          args: [...args],
        });
      }),
  };
}

/** What a Schedule starts; null when it is gone by now, or starts nothing that this version knows: the Schedule still does. */
async function readWatch(client: Client, scheduleId: string): Promise<Watch | null> {
  try {
    const { args } = (await client.schedule.getHandle(scheduleId).describe()).action;
    const family = familyIn(args?.[0]);
    return family === null ? null : { lineage: scheduleId.slice(WATCH.length), family, args: args ?? [] };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

function familyIn(input: unknown): FamilySpec | null {
  if (typeof input !== 'object' || input === null || !('family' in input)) return null;
  const { success, data } = familySchema.safeParse(input.family);
  return success ? data : null;
}

function inWords(error: unknown): unknown {
  if (!(error instanceof ServiceError) && !isGrpcServiceError(error)) return error;
  return new RegraftError(
    'TEMPORAL_UNREACHABLE',
    `Temporal does not answer: ${messageOf(error)}; start it with \`regraft up\`, or correct TEMPORAL_ADDRESS.`,
    { retryable: true, cause: error },
  );
}
