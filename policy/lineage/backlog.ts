import type { LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import { compareReleases } from '../order-releases.ts';
import { spentUp } from './spending.ts';
import { changeRelease, isBehind, runningRelease, withLog } from './state.ts';

/** Whether there is anything to decide about: a release waits, and the lineage is not paused. */
export function hasWaiting(state: LineageState): boolean {
  return state.paused === null && state.releases.some(({ status }) => status === 'waiting');
}

/**
 * Decides what to do next: the release to run, null when there is none. Releases that the backlog policy passes over are
 * skipped in the state that comes back; when the lineage's budget is spent it is paused, or they are skipped, as declared.
 */
export function takeNext(
  state: LineageState,
  at: string,
): { readonly state: LineageState; readonly next: ReleaseState | null } {
  if (!hasWaiting(state)) return { state, next: null };
  const limit = spentUp(state.spent, state.spec.budget?.lineage);
  if (limit !== null) return { state: whenSpent(state, limit, at), next: null };
  const next = chooseNext(state);
  const passed = passOver(state, next, at);
  return { state: passed, next };
}

/** One that somebody asked for goes first; then what the backlog says. */
function chooseNext(state: LineageState): ReleaseState | null {
  const waiting = state.releases.filter(({ status }) => status === 'waiting');
  const wanted = waiting.find((entry) => entry.wanted === true);
  if (state.spec.backlog === 'queue') return waiting[0] ?? null;
  const newest = waiting.at(-1);
  return wanted ?? (newest === undefined || isBehind(state, newest) ? null : newest);
}

function passOver(state: LineageState, next: ReleaseState | null, at: string): LineageState {
  const { backlog } = state.spec;
  if (backlog === 'queue' || next?.wanted === true) return state;
  const newest = state.releases.findLast(
    ({ status }) => status === 'waiting' || status === 'succeeded' || status === 'superseded',
  );
  const note = `passed over for ${newest?.release.name ?? 'a newer one'} (backlog: ${backlog})`;
  return skip(state, (entry) => entry.wanted !== true && entry !== next, note, at);
}

function whenSpent(state: LineageState, limit: string, at: string): LineageState {
  const reason = `the lineage's budget is spent: ${limit}; raise \`budget.lineage\` and apply it`;
  if (state.spec.budget?.lineage?.then === 'skip') return skip(state, () => true, reason, at);
  const entry = { actor: 'regraft', reason: `${reason}, then resume`, at, what: 'pause' };
  return withLog({ ...state, paused: entry }, entry);
}

function skip(state: LineageState, which: (entry: ReleaseState) => boolean, note: string, at: string): LineageState {
  return state.releases
    .filter((entry) => entry.status === 'waiting' && which(entry))
    .reduce((current, { release: { name } }) => {
      const skipped = changeRelease(current, name, (entry) => ({ ...entry, status: 'skipped', note, concludedAt: at }));
      return withLog(skipped, { actor: 'regraft', reason: note, at, what: `skip ${name}` });
    }, state);
}

/**
 * The release for which the one that is worked on has to end; null: it may go on. A release that somebody asked for is
 * never superseded.
 */
export function superseder(state: LineageState): ReleaseState | null {
  const running = runningRelease(state);
  if (running === null || running.wanted === true) return null;
  if (state.paused !== null || state.spec.backlog !== 'supersede') return null;
  if (spentUp(state.spent, state.spec.budget?.lineage) !== null) return null; // the newer one would not be begun
  const newest = state.releases.findLast(({ status }) => status === 'waiting') ?? null;
  return newest !== null && compareReleases(newest.release, running.release) > 0 ? newest : null;
}
