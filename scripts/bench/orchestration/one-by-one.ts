import { makeRelease } from '../../../test/support/lineage-values.ts';
import { waitAtLength } from '../../../test/support/wait-at-length.ts';
import { benchSpec } from './bench-spec.ts';
import { concludedAtMs, lineageWeight, mediansOf, runWeights } from './histories.ts';
import { declareAll, failureOf, Requests } from './lineages.ts';
import type { Place } from './place.ts';
import type { OrchestrationRow } from './row.ts';

const LINEAGE = 'one';
/** A query costs the server as much as a step of a run; when a release was concluded, its history tells exactly. */
const LOOK_EVERY_MS = 250;

/**
 * One release after another in one lineage, with nothing beside. The first is left out: it has no Δ to start from, and the
 * worker has not run the code before.
 */
export async function measureOneByOne(
  place: Place,
  controls: readonly 'plain'[],
  runs: number,
): Promise<OrchestrationRow> {
  const { client } = place;
  const spec = benchSpec(LINEAGE, controls);
  const arms = [spec.strategy, ...controls];
  const requests = new Requests();
  const applySeconds = await declareAll(place, [spec], requests);
  const pass = (number: number): Promise<Passed> => passRelease(place, number, requests);
  const first = await pass(1);
  const before = await lineageWeight(client, LINEAGE);

  const stopMeter = await place.startMeter();
  const passed = [];
  for (let number = 2; number <= runs + 1; number += 1) passed.push(await pass(number));
  const footprint = await stopMeter();

  const after = await lineageWeight(client, LINEAGE);
  const lineage = { events: (after.events - before.events) / runs, bytes: (after.bytes - before.bytes) / runs };
  const ends = (await concludedAtMs(client, LINEAGE)).slice(1);
  if (ends.length !== runs)
    throw new Error(`Lineage ${LINEAGE} has concluded ${ends.length} releases, expected ${runs}.`);
  const weights = [];
  for (const { release } of passed)
    weights.push({ ...(await runWeights(client, { lineage: LINEAGE, release, arms })), lineage });
  return {
    ...{ case: 'one', arms, lineages: 1, applySeconds, totalSeconds: null, ...mediansOf(weights), ...footprint },
    seconds: passed.map(({ startedMs }, index) => ((ends[index] ?? NaN) - startedMs) / 1000),
    unanswered: requests.unanswered,
    failures: [first, ...passed].flatMap(({ failure }) => failure ?? []),
  };
}

interface Passed {
  readonly release: string;
  readonly startedMs: number;
  readonly failure: string | null;
}

async function passRelease({ lineages }: Place, number: number, requests: Requests): Promise<Passed> {
  const release = makeRelease(number);
  const startedMs = Date.now();
  await requests.make(() => lineages.observeRelease(LINEAGE, release));
  const state = await waitAtLength(
    `${release.name} is concluded`,
    async () => {
      const now = await requests.make(() => lineages.state(LINEAGE));
      const isOver = now.releases.some(
        ({ release: { name }, concludedAt }) => name === release.name && concludedAt !== null,
      );
      return isOver && now;
    },
    LOOK_EVERY_MS,
  );
  return { release: release.name, startedMs, failure: failureOf(state, release.name) };
}
