import { makeRelease } from '../../../test/support/lineage-values.ts';
import { say } from '../say.ts';
import { benchSpec } from './bench-spec.ts';
import { concludedAtMs, lineageWeight, mediansOf, runWeights } from './histories.ts';
import { inParallel } from './in-parallel.ts';
import { declareAll, failureOf, Requests, REQUESTS_AT_A_TIME, untilCounted } from './lineages.ts';
import type { Place } from './place.ts';
import type { OrchestrationRow } from './row.ts';

const RELEASE = makeRelease(1);
/** Lineages that have begun with the release and are idle again. */
const CONCLUDED = `WorkflowType = 'lineage' AND RegraftRelease = '${RELEASE.name}' AND RegraftState = 'idle'`;

/** One release of each of many lineages, as when a family that all of them follow has a new one. */
export async function measureAllAtOnce(place: Place, count: number): Promise<OrchestrationRow> {
  const { client, lineages } = place;
  const names = Array.from({ length: count }, (_, index) => `many-${String(index + 1)}`);
  const spec = benchSpec('many', []);
  const requests = new Requests();
  const applySeconds = await declareAll(
    place,
    names.map((name) => ({ ...spec, name })),
    requests,
  );
  say(`${String(count)} lineages declared in ${applySeconds.toFixed(1)} s`);
  const before = await inParallel(REQUESTS_AT_A_TIME, names, (name) => lineageWeight(client, name));

  const stopMeter = await place.startMeter();
  const startsMs = await inParallel(REQUESTS_AT_A_TIME, names, async (name) => {
    const startedMs = Date.now();
    await requests.make(() => lineages.observeRelease(name, RELEASE));
    return startedMs;
  });
  say('every lineage has its release');
  await untilCounted(client, CONCLUDED, count, 'releases are concluded');
  const footprint = await stopMeter();

  const arms = [spec.strategy];
  const told = await inParallel(REQUESTS_AT_A_TIME, [...names.entries()], async ([index, name]) => {
    const [endMs] = await concludedAtMs(client, name);
    const [start, after] = [before[index], await lineageWeight(client, name)];
    if (endMs === undefined || start === undefined)
      throw new Error(`Lineage ${name} has concluded nothing, expected ${RELEASE.name}.`);
    return {
      ...{ endMs, failure: failureOf(await requests.make(() => lineages.state(name)), RELEASE.name) },
      ...(await runWeights(client, { lineage: name, release: RELEASE.name, arms })),
      lineage: { events: after.events - start.events, bytes: after.bytes - start.bytes },
    };
  });
  return {
    ...{ case: 'many', arms, lineages: count, applySeconds, ...mediansOf(told), ...footprint },
    totalSeconds: (Math.max(...told.map(({ endMs }) => endMs)) - Math.min(...startsMs)) / 1000,
    seconds: told.map(({ endMs }, index) => (endMs - (startsMs[index] ?? NaN)) / 1000),
    unanswered: requests.unanswered,
    failures: told.flatMap(({ failure }) => failure ?? []),
  };
}
