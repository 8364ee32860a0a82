import type { LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import { livenessOf } from './live-text.ts';
import { approvalHint, asksForApproval } from './status-hints.ts';

/** How a release stands, and what comes next. */
export function standingOf(state: LineageState, entry: ReleaseState): string {
  const { name } = entry.release;
  switch (entry.status) {
    case 'waiting':
      return `${name} waits: ${placeInLine(state, entry)}${heldToo(state)}.`;
    case 'running':
      return workedOn(state, entry);
    case 'succeeded':
      return `${name} is done${liveness(state, entry)}.`;
    case 'superseded':
      return `${name} was superseded by a newer release${leftOver(entry)}; ${retryHint(state, name)}.`;
    case 'failed':
      return `${name} failed, for its production arm did; ${retryHint(state, name)}.`;
    case 'cancelled':
      return `${name} was cancelled; ${retryHint(state, name)}.`;
    case 'skipped':
      return `${name} was skipped: ${entry.note ?? 'no reason was kept'}; ${retryHint(state, name)}.`;
  }
}

function pausedBy({ paused }: LineageState): string | null {
  return paused === null ? null : `paused by ${paused.actor} (${paused.reason})`;
}

function heldToo(state: LineageState): string {
  const paused = pausedBy(state);
  return paused === null ? '' : `, and the lineage is ${paused}`;
}

function placeInLine(state: LineageState, entry: ReleaseState): string {
  const newer = passedOverFor(state, entry);
  if (newer !== null) return `it is going to be passed over for ${newer.release.name} (backlog: ${state.spec.backlog})`;
  const names = aheadOf(state, entry).map(({ release }) => release.name);
  const place =
    names.length === 0 ? 'it is next' : `${names.join(', ')} ${names.length === 1 ? 'comes' : 'come'} first`;
  return entry.wanted === true ? `${place}; it was asked for, so it is not passed over` : place;
}

/** The newer release that the backlog prefers; null: it will have its turn. */
function passedOverFor({ spec, releases }: LineageState, entry: ReleaseState): ReleaseState | null {
  if (spec.backlog === 'queue' || entry.wanted === true) return null;
  const later = releases.slice(releases.indexOf(entry) + 1);
  return later.findLast(({ status }) => status !== 'failed' && status !== 'cancelled' && status !== 'skipped') ?? null;
}

/** What is worked on, and what waits and has its turn before. */
function aheadOf({ spec, releases }: LineageState, entry: ReleaseState): readonly ReleaseState[] {
  const at = releases.indexOf(entry);
  const waitsBefore = (other: ReleaseState, index: number): boolean => {
    if (other.status !== 'waiting' || other === entry) return false;
    if (spec.backlog === 'queue') return index < at;
    return other.wanted === true && (entry.wanted !== true || index < at);
  };
  return [...releases.filter(({ status }) => status === 'running'), ...releases.filter(waitsBefore)];
}

function workedOn(state: LineageState, entry: ReleaseState): string {
  const { name } = entry.release;
  const paused = pausedBy(state);
  if (entry.cancelling === true) return `${name} is being cancelled.`;
  if (asksForApproval(entry)) {
    return `${name} passed its gate and waits for approval: ${approvalHint(state.spec.name, entry, state.spec.gate)}.`;
  }
  return paused === null ? `${name} is being worked on.` : `${name} is held: the lineage is ${paused}.`;
}

function liveness(state: LineageState, entry: ReleaseState): string {
  const live = state.published?.release ?? 'nothing';
  switch (livenessOf(state, entry)) {
    case 'live':
      return ' and is live';
    case 'rolled back':
      return ` and was live until it was rolled back to ${live}`;
    case 'was live':
      return ` and was live${state.published === null ? '' : ` until ${live}`}`;
    case null:
      return entry.arms.length === 0 ? `; ${live} is live` : ` and was not published; ${live} is live`;
  }
}

function leftOver({ arms }: ReleaseState): string {
  if (arms.length === 0) return '';
  const result = arms[0]?.result ?? null;
  return result === null ? ' before it had trained anything' : `, and left a Δ of ${String(result.stepsInDelta)} steps`;
}

function retryHint({ spec }: LineageState, release: string): string {
  return `\`regraft retry ${spec.name} ${release}\` puts it back in line`;
}
