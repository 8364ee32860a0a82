import { patternOf, placeInWords } from '../../contracts/family.ts';
import type { LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import { liveText } from './live-text.ts';
import { releaseTable, shownReleases } from './release-table.ts';
import { spentText } from './spent-text.ts';
import { asksForApproval, hintsOf } from './status-hints.ts';
import { tableText } from './table.ts';
import { countsText, orderLine } from './words.ts';

/** Orders that are shown, newest last. */
const ORDERS = 3;

/** Every lineage in one row. */
export function overviewText(states: readonly LineageState[]): string {
  if (states.length === 0) return 'No lineage yet; `regraft apply FILE` creates one.';
  return tableText(
    ['lineage', 'strategy', 'releases', 'now', 'live'],
    states.map((state) => [state.spec.name, state.spec.strategy, progressOf(state), nowOf(state), liveText(state)]),
  );
}

/** One lineage: what it does now, its releases with their arms, the latest orders, and what one may do about it. */
export function statusText(state: LineageState): string {
  const shown = shownReleases(state);
  return [
    headOf(state).join('\n'),
    state.releases.length === 0 ? whereItLooks(state) : releaseTable(state),
    ...paragraph('Failed:', shown.flatMap(failuresOf)),
    ...paragraph('Latest orders:', state.log.slice(-ORDERS).map(orderLine)),
    ...paragraph('What to do:', hintsOf(state, shown)),
  ].join('\n\n');
}

function headOf(state: LineageState): readonly string[] {
  const { spec, spent, restart } = state;
  const taken = spentText(spent, spec.budget?.lineage);
  return [
    `${spec.name}: ${nowOf(state)}`,
    `Live: ${liveText(state)}`,
    ...(restart?.release === null
      ? [`Restart: the next release starts from the base, as ${restart.order.actor} asked (${restart.order.reason})`]
      : []),
    ...(taken === null ? [] : [`Spent: ${taken}`]),
  ];
}

function paragraph(head: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [[head, ...lines].join('\n  ')];
}

function whereItLooks({ spec: { family } }: LineageState): string {
  return `Every ${family.pollEvery} it looks for releases named ${patternOf(family)} in ${placeInWords(family)}.`;
}

function progressOf({ releases }: LineageState): string {
  const done = releases.filter(({ status }) => status === 'succeeded').length;
  const others = releases.flatMap(({ status }) =>
    status === 'failed' || status === 'superseded' || status === 'skipped' ? status : [],
  );
  return [
    `${String(done)} of ${String(releases.length)} done`,
    ...(others.length > 0 ? [countsText(others)] : []),
  ].join(', ');
}

function nowOf(state: LineageState): string {
  if (state.paused !== null) return `paused by ${state.paused.actor} (${state.paused.reason})`;
  const running = state.releases.find(({ status }) => status === 'running');
  if (running !== undefined) return `at ${running.release.name} (${workOf(running)})`;
  const next = nextOf(state);
  if (next !== undefined) return `about to start ${next.release.name}`;
  return `waiting for the ${state.releases.length === 0 ? 'first' : 'next'} release`;
}

/** As the backlog says: in family order, or what was asked for and then the newest. */
function nextOf({ spec, releases }: LineageState): ReleaseState | undefined {
  const waiting = releases.filter(({ status }) => status === 'waiting');
  if (spec.backlog === 'queue') return waiting[0];
  return waiting.find(({ wanted }) => wanted === true) ?? waiting.at(-1);
}

function workOf(entry: ReleaseState): string {
  const { arms, cancelling } = entry;
  if (cancelling === true) return 'being cancelled';
  const running = arms.filter(({ status }) => status === 'running');
  if (running.length > 0) {
    const asks = asksForApproval(entry);
    return running
      .map(({ arm, stage }, index) =>
        asks && index === 0 ? `${arm} waits for approval` : `${arm} in ${stage ?? 'its first stage'}`,
      )
      .join(', ');
  }
  return arms.some(({ status }) => status === 'waiting') ? 'starting' : 'comparing the arms';
}

function failuresOf({ release, arms }: ReleaseState): readonly string[] {
  return arms.flatMap(({ arm, failure }) =>
    failure === null ? [] : [`${release.name} ${arm}: ${failure.message} [${failure.code}]`],
  );
}
