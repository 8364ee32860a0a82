import type { ArmState, ArmStatus, LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import type { ConnectivitySummary } from '../../contracts/connectivity.schema.ts';
import type { RunResult } from '../../contracts/run.ts';
import type { RunRecord } from '../../contracts/run-record.schema.ts';
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
  const { release, arms, recordDigest, retries } = entry;
  const orders = state.log.filter(({ what }) => what.endsWith(` ${release.name}`));
  return [
    standingOf(state, entry),
    `It was first seen ${moment(release.firstSeenAt)} at ${release.uri}, and is pinned as ${shortDigest(release.digest)}.`,
    ...(retries === 0 ? [] : [`It was retried ${retries === 1 ? 'once' : `${String(retries)} times`}.`]),
    ...arms.flatMap((arm, index) => [
      `- ${arm.arm}${index === 0 ? ' (production)' : ''}: ${armStory(arm)}`,
      ...judgements(records.get(arm.result?.recordDigest ?? '')),
    ]),
    ...(orders.length === 0 ? [] : ['Orders:', ...orders.map((order) => `  ${orderLine(order)}`)]),
    ...(recordDigest === null ? [] : [`Its arms are compared in record ${shortDigest(recordDigest)}.`]),
  ].join('\n');
}

/** How the release stands, and what comes next. */
function standingOf(state: LineageState, entry: ReleaseState): string {
  const { name } = entry.release;
  const paused = state.paused === null ? null : `paused by ${state.paused.actor} (${state.paused.reason})`;
  switch (entry.status) {
    case 'waiting':
      return `${name} waits: ${placeInLine(state, entry)}${paused === null ? '' : `, and the lineage is ${paused}`}.`;
    case 'running':
      return paused === null ? `${name} is being worked on.` : `${name} is held: the lineage is ${paused}.`;
    case 'succeeded':
      return `${name} is done${liveness(state, entry)}.`;
    case 'failed':
      return `${name} failed, for its production arm did; ${retryHint(state, name)}.`;
    case 'cancelled':
      return `${name} was cancelled; ${retryHint(state, name)}.`;
  }
}

function placeInLine({ releases }: LineageState, entry: ReleaseState): string {
  const ahead = releases
    .slice(0, releases.indexOf(entry))
    .filter(({ status }) => status === 'running' || status === 'waiting');
  const names = ahead.map(({ release }) => release.name);
  return names.length === 0 ? 'it is next' : `${names.join(', ')} ${names.length === 1 ? 'comes' : 'come'} first`;
}

function liveness({ published }: LineageState, { release, arms }: ReleaseState): string {
  const mine = arms[0]?.result?.published ?? null;
  if (mine === null) return ` and was not published; ${published?.release ?? 'nothing'} is live`;
  if (published?.release === release.name) return ' and is live';
  return ` and was live${published === null ? '' : ` until ${published.release}`}`;
}

function retryHint({ spec }: LineageState, release: string): string {
  return `\`regraft retry ${spec.name} ${release}\` puts it back in line`;
}

function armStory(arm: ArmState): string {
  return `${arm.sourceReason}. ${STORIES[arm.status](arm)}`;
}

const STORIES: Readonly<Record<ArmStatus, (arm: ArmState) => string>> = {
  waiting: () => 'It has not begun.',
  running: ({ stage }) => `It is ${stage === null ? 'starting' : `in stage ${stage}`}.`,
  shared: ({ sharedWith }) => `${sharedWith ?? ''} starts from the same model and does the work for both.`,
  cancelled: ({ stage }) => `It was cancelled${inStage(stage)}.`,
  failed: ({ stage, failure }) =>
    `It failed${inStage(stage)}: ${failure?.message ?? ''} [${failure?.code ?? 'UNKNOWN'}]`,
  succeeded: ({ result }) => (result === null ? '' : resultStory(result)),
};

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

function inStage(stage: ArmState['stage']): string {
  return stage === null ? '' : ` in stage ${stage}`;
}

function resultStory(result: RunResult): string {
  const { best, final, stepsInDelta, gateSentence, published, recordDigest } = result;
  const bestWhen = best.step === 0 ? 'before any training' : `at step ${String(best.step)}`;
  const gate =
    gateSentence === null ? '' : ` The gate ${gateSentence}.${published === null ? ' It was not published.' : ''}`;
  return `Best score ${best.score.toFixed(3)} ${bestWhen}, ${final.score.toFixed(3)} at the last step ${String(final.step)}; its Δ holds ${String(stepsInDelta)} fine-tuning steps.${interruptions(result)}${gate} Record ${shortDigest(recordDigest)}.`;
}

const CONTINUITY = {
  verified: 'what was trained again came out as before',
  broken: 'what was trained again came out OTHERWISE than before, so something changed on the way',
  'nothing to compare': 'nothing was trained twice',
} as const;

/** Nothing for a training that one trainer brought to its end. */
function interruptions({ training }: RunResult): string {
  if (training === undefined || training === null || training.attempts < 2) return '';
  const { attempts, stepsLost, continuity } = training;
  const steps = `${String(stepsLost)} step${stepsLost === 1 ? '' : 's'}`;
  return ` Its training took ${String(attempts)} attempts and lost ${steps}; ${CONTINUITY[continuity]}.`;
}
