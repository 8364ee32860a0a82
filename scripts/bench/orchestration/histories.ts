import type { Client, WorkflowHandle } from '@temporalio/client';
import { spreadOf } from '../statistics.ts';
import type { HistoryWeights, Weight } from './row.ts';

type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

/** When a lineage had concluded each of its releases, in order: milliseconds since 1970, by the server's clock. */
export async function concludedAtMs(client: Client, lineage: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const handle of await chainOf(client, lineage)) {
    const events = (await handle.fetchHistory()).events ?? [];
    const scheduled = new Set(events.filter(isConclusion).map(({ eventId }) => String(eventId)));
    events.forEach(({ activityTaskCompletedEventAttributes: completed }, index) => {
      if (!scheduled.has(String(completed?.scheduledEventId))) return;
      // The release is concluded when the workflow has taken note of its record.
      const noted = events.slice(index).find((event) => event.workflowTaskCompletedEventAttributes);
      if (noted !== undefined) found.push(timeMsOf(noted));
    });
  }
  return found.sort((a, b) => a - b);
}

/** What a lineage's own histories hold by now. */
export async function lineageWeight(client: Client, lineage: string): Promise<Weight> {
  const weights = await Promise.all((await chainOf(client, lineage)).map(weightOf));
  return weights.reduce(sumOf, { events: 0, bytes: 0 });
}

/** What the runs of one release left; the production arm's is the first of `arms`. */
export async function runWeights(
  client: Client,
  { lineage, release, arms }: { readonly lineage: string; readonly release: string; readonly arms: readonly string[] },
): Promise<{ readonly run: HistoryWeights['run']; readonly all: Weight }> {
  const handles = arms.map((arm) => client.workflow.getHandle(`lineage/${lineage}/run/${release}/${arm}`));
  const weights = await Promise.all(handles.map(weightOf));
  const [production, ownHandle] = [weights[0], handles[0]];
  if (production === undefined || ownHandle === undefined) throw new Error(`Release ${release} has no arm.`);
  const events = (await ownHandle.fetchHistory()).events ?? [];
  const activities = events.filter((event) => event.activityTaskScheduledEventAttributes).length;
  return { run: { ...production, activities }, all: weights.reduce(sumOf) };
}

/** Medians of all releases: of each run, of what it adds to its lineage, and of both together. */
export function mediansOf(
  releases: readonly (Awaited<ReturnType<typeof runWeights>> & { readonly lineage: Weight })[],
): HistoryWeights {
  const median = (pick: (release: (typeof releases)[number]) => number): number => spreadOf(releases.map(pick)).median;
  const weight = (pick: (release: (typeof releases)[number]) => Weight): Weight => ({
    events: median((release) => pick(release).events),
    bytes: median((release) => pick(release).bytes),
  });
  return {
    run: { ...weight(({ run }) => run), activities: median(({ run }) => run.activities) },
    lineage: weight(({ lineage }) => lineage),
    release: weight(({ all, lineage }) => sumOf(all, lineage)),
  };
}

/** All executions of a lineage: each continue-as-new begins another. */
async function chainOf(client: Client, lineage: string): Promise<readonly WorkflowHandle[]> {
  const handles: WorkflowHandle[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query: `WorkflowId = 'lineage/${lineage}'` })) {
    handles.push(client.workflow.getHandle(workflowId, runId));
  }
  return handles;
}

async function weightOf(handle: WorkflowHandle): Promise<Weight> {
  const { historyLength, historySize } = await handle.describe();
  if (historySize === undefined) throw new Error(`The server does not tell how large ${handle.workflowId} is.`);
  return { events: historyLength, bytes: historySize };
}

function sumOf(left: Weight, right: Weight): Weight {
  return { events: left.events + right.events, bytes: left.bytes + right.bytes };
}

function isConclusion({ activityTaskScheduledEventAttributes: scheduled }: HistoryEvent): boolean {
  return scheduled?.activityType?.name === 'concludeRelease';
}

function timeMsOf({ eventTime }: HistoryEvent): number {
  if (!eventTime?.seconds) throw new Error('The server does not tell when an event was.');
  return eventTime.seconds.toNumber() * 1000 + (eventTime.nanos ?? 0) / 1e6;
}
