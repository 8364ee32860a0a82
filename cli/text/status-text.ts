import type { ArmState, ArmStatus, LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import { tableText } from './table.ts';
import { orderLine, scoreAt, shortDigest } from './words.ts';

/** Orders that are shown, newest last. */
const ORDERS = 3;

/** Every lineage in one row. */
export function overviewText(states: readonly LineageState[]): string {
  if (states.length === 0) return 'No lineage yet; `regraft apply FILE` creates one.';
  return tableText(
    ['lineage', 'strategy', 'releases', 'now', 'live'],
    states.map((state) => [state.spec.name, state.spec.strategy, progressOf(state), nowOf(state), liveOf(state)]),
  );
}

/** One lineage: what it does now, every release with its arms, the latest orders, and what one may do about it. */
export function statusText(state: LineageState): string {
  return [
    `${state.spec.name}: ${nowOf(state)}\nLive: ${liveOf(state)}`,
    state.releases.length === 0 ? whereItLooks(state) : tableOf(state),
    ...paragraph('Failed:', state.releases.flatMap(failuresOf)),
    ...paragraph('Latest orders:', state.log.slice(-ORDERS).map(orderLine)),
    ...paragraph('What to do:', hintsOf(state)),
  ].join('\n\n');
}

function paragraph(head: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [[head, ...lines].join('\n  ')];
}

function whereItLooks({ spec: { family } }: LineageState): string {
  return `Every ${family.pollEvery} it looks for model folders named ${family.names} in ${family.folder}.`;
}

function tableOf(state: LineageState): string {
  const table = tableText(
    ['release', 'arm', 'state', 'starts from', 'best', 'final', 'steps in Δ', 'outcome'],
    state.releases.flatMap((entry) => rowsOf(state, entry)),
  );
  if (state.releases.every(({ arms }) => arms.length === 0)) return table;
  return `${table}
* production arm, the only one that is gated and goes live. best, final: score on ${state.spec.evaluate[0]?.name ?? ''} @step;
step 0 is before any training. steps in Δ: fine-tuning steps that later releases can start with.`;
}

function rowsOf(state: LineageState, entry: ReleaseState): readonly (readonly string[])[] {
  const name = nameOf(entry);
  if (entry.arms.length === 0) return [[name, '', entry.status, '', '', '', '', '']];
  return entry.arms.map((arm, index) => [index === 0 ? name : '', ...cellsOf(state, entry, arm, index === 0)]);
}

function nameOf({ release, retries }: ReleaseState): string {
  return `${release.name}${retries === 0 ? '' : `, try ${String(retries + 1)}`}`;
}

function cellsOf(state: LineageState, { release }: ReleaseState, arm: ArmState, production: boolean): string[] {
  const { result } = arm;
  return [
    `${arm.arm}${production ? ' *' : ''}`,
    STATES[arm.status](arm, state.paused !== null),
    arm.source === null ? 'the base' : `Δ of ${arm.source.fromRelease}`,
    ...(result === null ? ['', '', ''] : [scoreAt(result.best), scoreAt(result.final), String(result.stepsInDelta)]),
    production ? outcomeOf(state, release.name, arm) : '',
  ];
}

const STATES: Readonly<Record<ArmStatus, (arm: ArmState, paused: boolean) => string>> = {
  waiting: () => 'waiting',
  running: ({ stage }, paused) => `${paused ? 'held' : 'running'}: ${stage ?? 'starting'}`,
  shared: ({ sharedWith }) => `as ${sharedWith ?? ''}`,
  succeeded: () => 'done',
  failed: ({ stage }) => `failed${stage === null ? '' : `: ${stage}`}`,
  cancelled: () => 'cancelled',
};

function outcomeOf({ published }: LineageState, release: string, { result }: ArmState): string {
  if (result === null) return '';
  if (result.published === null) return 'rejected';
  const isLive = published?.release === release && published.candidateDigest === result.candidateDigest;
  return isLive ? 'live' : 'was live';
}

function progressOf({ releases }: LineageState): string {
  const count = (wanted: ReleaseState['status']): number => releases.filter(({ status }) => status === wanted).length;
  const failed = count('failed');
  return `${String(count('succeeded'))} of ${String(releases.length)} done${failed === 0 ? '' : `, ${String(failed)} failed`}`;
}

function nowOf(state: LineageState): string {
  if (state.paused !== null) return `paused by ${state.paused.actor} (${state.paused.reason})`;
  const running = state.releases.find(({ status }) => status === 'running');
  if (running !== undefined) return `at ${running.release.name} (${workOf(running)})`;
  const next = state.releases.find(({ status }) => status === 'waiting');
  if (next !== undefined) return `about to start ${next.release.name}`;
  return `waiting for the ${state.releases.length === 0 ? 'first' : 'next'} release`;
}

function workOf({ arms }: ReleaseState): string {
  const running = arms.filter(({ status }) => status === 'running');
  if (running.length > 0) return running.map(({ arm, stage }) => `${arm} in ${stage ?? 'its first stage'}`).join(', ');
  return arms.some(({ status }) => status === 'waiting') ? 'starting' : 'comparing the arms';
}

function liveOf({ published }: LineageState): string {
  return published === null ? 'nothing yet' : `${published.release} (${shortDigest(published.candidateDigest)})`;
}

function failuresOf({ release, arms }: ReleaseState): readonly string[] {
  return arms.flatMap(({ arm, failure }) =>
    failure === null ? [] : [`${release.name} ${arm}: ${failure.message} [${failure.code}]`],
  );
}

/** What the user may want to do now. */
function hintsOf({ spec, paused, releases }: LineageState): readonly string[] {
  const ended = releases.filter(({ status }) => status === 'failed' || status === 'cancelled');
  return [
    ...(paused === null ? [] : [`\`regraft resume ${spec.name}\` lets it go on`]),
    ...ended.map(({ release }) => `\`regraft retry ${spec.name} ${release.name}\` puts ${release.name} back in line`),
    ...(releases.length === 0 ? [] : [`\`regraft why ${spec.name} RELEASE\` tells the story of one release`]),
  ];
}
