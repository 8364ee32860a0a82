import type { ArmState, ArmStatus, LineageState, ReleaseState, ReleaseStatus } from '../../contracts/lineage-state.ts';
import type { RunResult } from '../../contracts/run.ts';
import { livenessOf } from './live-text.ts';
import { tableText } from './table.ts';
import { countsText, scoreAt } from './words.ts';

/** Releases that are shown, newest last; what runs and what is live are shown however old they are. */
const SHOWN = 15;

/** The releases of a lineage that are worth a row: a family may have hundreds. */
export function shownReleases({ releases, published }: LineageState): readonly ReleaseState[] {
  return releases.filter(
    ({ release, status }, index) =>
      index >= releases.length - SHOWN || status === 'running' || release.name === published?.release,
  );
}

/** A row an arm, the release named once, and a sentence about what is left out. */
export function releaseTable(state: LineageState): string {
  const shown = shownReleases(state);
  const table = tableText(
    ['release', 'arm', 'state', 'starts from', 'best', 'final', 'steps in Δ', 'outcome'],
    shown.flatMap((entry) => rowsOf(state, entry)),
  );
  const lines = [table, ...leftOut(state, shown)];
  if (shown.every(({ arms }) => arms.length === 0)) return lines.join('\n');
  return `${lines.join('\n')}
* production arm, the only one that is gated and goes live. best, final: score on ${state.spec.evaluate[0]?.name ?? ''} @step;
step 0 is before any training. steps in Δ: fine-tuning steps that later releases can start with.`;
}

function leftOut({ releases, spec }: LineageState, shown: readonly ReleaseState[]): readonly string[] {
  const others = releases.filter((entry) => !shown.includes(entry));
  if (others.length === 0) return [];
  const counts = countsText(others.map(({ status }) => status));
  return [
    `Before these: ${String(others.length)} more (${counts}); \`regraft why ${spec.name} RELEASE\` tells of each.`,
  ];
}

function rowsOf(state: LineageState, entry: ReleaseState): readonly (readonly string[])[] {
  const name = nameOf(entry);
  if (entry.arms.length === 0) {
    return [[name, '', RELEASE_STATES[entry.status](entry), '', '', '', '', livenessOf(state, entry) ?? '']];
  }
  return entry.arms.map((arm, index) => [index === 0 ? name : '', ...cellsOf(state, entry, arm, index === 0)]);
}

function nameOf({ release, retries, cancelling }: ReleaseState): string {
  const parts = [release.name, ...(retries === 0 ? [] : [`try ${String(retries + 1)}`])];
  return [...parts, ...(cancelling === true ? ['cancelling'] : [])].join(', ');
}

function cellsOf(state: LineageState, entry: ReleaseState, arm: ArmState, production: boolean): string[] {
  const { result } = arm;
  return [
    `${arm.arm}${production ? ' *' : ''}`,
    STATES[arm.status](arm, state.paused !== null),
    arm.source === null ? 'the base' : `Δ of ${arm.source.fromRelease}`,
    ...(result === null ? ['', '', ''] : [scoreAt(result.best), scoreAt(result.final), String(result.stepsInDelta)]),
    production ? outcomeOf(state, entry, arm) : '',
  ];
}

const RELEASE_STATES: Readonly<Record<ReleaseStatus, (entry: ReleaseState) => string>> = {
  waiting: ({ wanted, retries }) => (wanted === true && retries === 0 ? 'waiting, asked for' : 'waiting'),
  running: () => 'running',
  succeeded: () => 'done',
  superseded: () => 'superseded',
  failed: () => 'failed',
  cancelled: () => 'cancelled',
  skipped: () => 'skipped',
};

const STATES: Readonly<Record<ArmStatus, (arm: ArmState, paused: boolean) => string>> = {
  waiting: () => 'waiting',
  running: ({ stage }, paused) => {
    if (stage === 'approval') return 'waits for approval';
    return `${paused ? 'held' : 'running'}: ${stage ?? 'starting'}`;
  },
  shared: ({ sharedWith }) => `as ${sharedWith ?? ''}`,
  succeeded: () => 'done',
  superseded: () => 'superseded',
  failed: ({ stage }) => `failed${stage === null ? '' : `: ${stage}`}`,
  cancelled: () => 'cancelled',
};

function outcomeOf(state: LineageState, entry: ReleaseState, { status, result }: ArmState): string {
  if (result === null) return status === 'superseded' ? 'left nothing' : '';
  return livenessOf(state, entry) ?? unpublished(status, result);
}

/** What kept a candidate from going live. */
function unpublished(status: ArmStatus, { approval, gateSentence, withheld }: RunResult): string {
  if (status === 'superseded') return 'left its Δ';
  if (approval?.decision === 'rejected') return 'not approved';
  if (withheld !== undefined) return 'withheld';
  return gateSentence === null ? 'not judged' : 'rejected';
}
