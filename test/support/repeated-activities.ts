import type { LineagePlace } from './lineage-place.ts';

type History = Awaited<ReturnType<ReturnType<LineagePlace['client']['workflow']['getHandle']>['fetchHistory']>>;

/** Names of the activities that a release needed more than one attempt of, as its workflows' histories have them. */
export async function repeatedActivities({ name, client }: LineagePlace, release: string): Promise<readonly string[]> {
  const ids = [`watch/${name}/by-hand/all`, `lineage/${name}`, `lineage/${name}/run/${release}/iterative`];
  const histories = await Promise.all(ids.map((id) => client.workflow.getHandle(id).fetchHistory()));
  return histories.flatMap(repeatedIn);
}

function repeatedIn({ events }: History): readonly string[] {
  const all = events ?? [];
  return all.flatMap(({ activityTaskStartedEventAttributes: started }) => {
    if (!started || started.attempt === 1) return [];
    const scheduled = all.find(({ eventId }) => String(eventId) === String(started.scheduledEventId));
    return [scheduled?.activityTaskScheduledEventAttributes?.activityType?.name ?? 'an activity without a name'];
  });
}
