import type { LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import type { ConnectivitySummary } from '../../contracts/connectivity.schema.ts';
import type { RunRecord } from '../../contracts/run-record.schema.ts';
import { armStory } from './arm-story.ts';
import { standingOf } from './standing-text.ts';
import { moment, orderLine, shortDigest } from './words.ts';

/**
 * The story of one release: how it stands, where it came from, what each arm did and was judged by, who ordered what.
 * @param records of its runs, by digest, as far as they are at hand
 */
export function whyText(
  state: LineageState,
  entry: ReleaseState,
  records: ReadonlyMap<string, RunRecord> = new Map(),
): string {
  const { release, arms, retries } = entry;
  const orders = state.log.filter(({ what }) => what.split(' ').slice(1).includes(release.name));
  return [
    standingOf(state, entry),
    `It was first seen ${moment(release.firstSeenAt)} at ${release.uri}, and is pinned as ${shortDigest(release.digest)}.`,
    ...(retries === 0 ? [] : [`It was retried ${retries === 1 ? 'once' : `${String(retries)} times`}.`]),
    ...arms.flatMap((arm, index) => [
      `- ${arm.arm}${index === 0 ? ' (production)' : ''}: ${armStory(arm)}`,
      ...judgements(records.get(arm.result?.recordDigest ?? '')),
    ]),
    ...(orders.length === 0 ? [] : ['Orders:', ...orders.map((order) => `  ${orderLine(order)}`)]),
    ...recordLines(entry),
  ].join('\n');
}

/** What the arms of a release long past did is not in the lineage's state any more. */
function recordLines({ arms, status, recordDigest }: ReleaseState): readonly string[] {
  if (recordDigest === null) return [];
  const record = `record ${shortDigest(recordDigest)}`;
  const isLongPast = arms.length === 0 && status !== 'waiting' && status !== 'skipped';
  return [isLongPast ? `It is long past: what its arms did is in ${record}.` : `Its arms are compared in ${record}.`];
}

/** What was decided about a run, with the numbers that it was decided from. */
function judgements(record: RunRecord | undefined): readonly string[] {
  if (record === undefined) return [];
  const { choice, connectivity, convergence, gate } = record;
  const stopped = convergence !== null && convergence.stepsSaved > 0;
  return [
    ...(connectivity === null ? [] : [connectivityLine(connectivity)]),
    ...(choice === null ? [] : [`Decided: ${choice.reason}`]),
    ...(convergence === null ? [] : [`Curve: ${convergence.state}. ${convergence.reason}`]),
    ...(stopped ? [`Ended early: ${String(convergence.stepsSaved)} steps were not needed.`] : []),
    ...(gate?.checks.map(({ verdict, sentence }) => `Gate, ${verdict}: ${sentence}`) ?? []),
  ].map((line) => `    ${line}`);
}

function connectivityLine({ barriersNats, drift }: ConnectivitySummary): string {
  const { bases, tuned } = barriersNats;
  const way =
    drift.relativeNorm === null ? '' : `; the base moved by ${(100 * drift.relativeNorm).toFixed(1)} % of its norm`;
  const cosine = drift.cosine === null ? '' : `, at cosine ${drift.cosine.toFixed(3)} with Δ`;
  return `Probe: loss barrier ${bases.toFixed(3)} nats between the bases, ${tuned.toFixed(3)} between old fine-tune and recycled model${way}${cosine}.`;
}
