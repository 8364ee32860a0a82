import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { isCodedError } from '../contracts/error.ts';
import type { LineageSpec } from '../contracts/lineage-spec.schema.ts';
import type { Applied, LineageState, Order, SpecChange } from '../contracts/lineage-state.ts';
import type { Release } from '../contracts/release.ts';
import { taskQueue } from '../contracts/task-queues.ts';
import * as messages from '../workflows/lineage.messages.ts';
import type { lineage } from '../workflows/lineage.ts';
import { checkpointSignal } from '../workflows/recycle-run.messages.ts';
import type { watchFamily } from '../workflows/watch-family.ts';
import { LineageChannel } from './lineage-channel.ts';
import { createOrders, type LineageOrders } from './lineage-orders.ts';
import { ensureSearchAttributes, lineageAttributes } from './search-attributes.ts';
import { scheduleWatch, WATCH } from './watch-schedule.ts';

/** A part of a family's past; both ends belong to it, and left out are the oldest and the newest. */
export interface WatchRange {
  readonly from?: string;
  readonly to?: string;
}

/** Everything a person or a program can do with lineages. Orders may be sent twice; each carries who and why. */
export interface Lineages extends LineageOrders {
  /** Creates the lineage or changes its spec, and schedules its watch. */
  apply(
    spec: LineageSpec,
    order: Order,
  ): Promise<{ readonly applied: Applied; readonly changes?: readonly SpecChange[] }>;
  /** What applying a spec would change, and from when on; null: there is no such lineage yet. */
  changes(spec: LineageSpec): Promise<readonly SpecChange[] | null>;
  /** Names of all lineages that run, sorted. */
  list(): Promise<readonly string[]>;
  /** @throws LINEAGE_NOT_FOUND, LINEAGE_NOT_ANSWERING */
  state(name: string): Promise<LineageState>;
  /**
   * Looks at the source now; with a release's name, announces that one by hand; with a range, hands the family's past
   * over. Returns the names handed over.
   */
  watchNow(name: string, only?: string, backfill?: WatchRange): Promise<readonly string[]>;
  /** For the service itself: hands a pinned release to its lineage, which knows it already, or its content, or takes it. */
  observeRelease(name: string, release: Release): Promise<'queued' | 'known'>;
  /** For the service itself: tells a run of a stored checkpoint. */
  announceCheckpoint(
    run: { readonly workflowId: string; readonly runId: string },
    checkpoint: { readonly step: number; readonly modelDigest: string; readonly trainedSeconds: number },
  ): Promise<void>;
  /** For the service itself: puts something that it could not do into the lineage's log, once. */
  noteTrouble(name: string, trouble: { readonly what: string; readonly why: string }): Promise<void>;
}

/** Lineages through a connected Temporal client. */
export function createLineages(client: Client, answerWithinMs?: number): Lineages {
  const channel = new LineageChannel(client, answerWithinMs);
  let searchable: Promise<boolean> | null = null;
  return {
    apply: (spec, order) => {
      searchable ??= ensureSearchAttributes(client);
      return apply(channel, searchable, spec, order);
    },
    list: () => listLineages(client),
    state: (name) => channel.ask(name, () => channel.handle(name).query(messages.stateQuery)),
    ...createOrders(channel),
    changes: async (spec) => {
      try {
        return await channel.ask(spec.name, () => channel.handle(spec.name).query(messages.changesQuery, spec));
      } catch (error) {
        if (isCodedError(error) && error.code === 'LINEAGE_NOT_FOUND') return null;
        throw error;
      }
    },
    noteTrouble: (name, trouble) =>
      channel.ask(name, async () => {
        await channel.handle(name).executeUpdate(messages.noteTroubleUpdate, { args: [trouble] });
      }),
    watchNow: (name, only, backfill) =>
      channel.inWords(name, async () => {
        const { spec } = await channel.ask(name, () => channel.handle(name).query(messages.stateQuery));
        const { found } = await client.workflow.execute<typeof watchFamily>('watchFamily', {
          workflowId: `${WATCH}${name}/by-hand/${only ?? rangeName(backfill)}`,
          workflowIdConflictPolicy: 'USE_EXISTING',
          taskQueue: taskQueue('control'),
          args: [
            { lineage: name, family: spec.family, ...(only !== undefined && { only }), ...(backfill && { backfill }) },
          ],
        });
        return found;
      }),
    observeRelease: (name, release) =>
      channel.ask(name, async () => {
        const updateId = `${release.name}@${release.digest}${release.backfill === true ? '/backfill' : ''}`;
        const handle = channel.handle(name);
        return (await handle.executeUpdate(messages.observeReleaseUpdate, { args: [release], updateId })).observation;
      }),
    announceCheckpoint: async ({ workflowId, runId }, checkpoint) => {
      await client.workflow.getHandle(workflowId, runId).signal(checkpointSignal, checkpoint);
    },
  };
}

function apply(
  channel: LineageChannel,
  searchable: Promise<boolean>,
  spec: LineageSpec,
  order: Order,
): ReturnType<Lineages['apply']> {
  const { client } = channel;
  return channel.ask(spec.name, async () => {
    const isSearchable = await searchable;
    const outcome = await client.workflow.executeUpdateWithStart(messages.applyUpdate, {
      args: [{ ...order, spec }],
      startWorkflowOperation: new WithStartWorkflowOperation<typeof lineage>('lineage', {
        workflowId: `lineage/${spec.name}`,
        taskQueue: taskQueue('control'),
        args: [{ spec }],
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `Keeps ${spec.name} on the newest base`,
        memo: { strategy: spec.strategy },
        ...(isSearchable && { typedSearchAttributes: lineageAttributes(spec.name) }),
      }),
    });
    await scheduleWatch(client, spec);
    return outcome;
  });
}

function rangeName(backfill: WatchRange | undefined): string {
  return backfill === undefined ? 'all' : `backfill/${backfill.from ?? ''}..${backfill.to ?? ''}`;
}

async function listLineages(client: Client): Promise<readonly string[]> {
  const names: string[] = [];
  const query = `WorkflowType = 'lineage' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query })) names.push(workflowId.slice('lineage/'.length));
  return names.sort();
}
