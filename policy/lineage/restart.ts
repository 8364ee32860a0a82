import type { LineageState, Order, ReleaseState, Restart } from '../../contracts/lineage-state.ts';
import { compareReleases } from '../order-releases.ts';
import { entryOf, findRelease, isBehind, withLog } from './state.ts';

/** Lets the next release start from the base again. Asked again before one has, nothing changes. */
export function askForRestart(state: LineageState, order: Order, at: string): LineageState {
  if (state.restart?.release === null) return state;
  const entry = entryOf(order, at, 'restart');
  const { advice: _, ...heard } = state;
  return withLog({ ...heard, restart: { release: null, order: entry } }, entry);
}

/**
 * The release that starts now is the one that a restart was asked for. One that newer ones are ahead of is not: they would
 * go on with what was to be left behind.
 */
export function settleRestart(state: LineageState, name: string): LineageState {
  const entry = findRelease(state, name);
  if (state.restart?.release !== null || entry === undefined || isBehind(state, entry)) return state;
  return { ...state, restart: { ...state.restart, release: name } };
}

/** The restart that a release has to heed: at it, or before it in the family; null: none. */
export function restartAt(state: LineageState, name: string): Restart | null {
  const { restart } = state;
  if (restart === undefined || restart.release === null) return null;
  const [from, at] = [findRelease(state, restart.release), findRelease(state, name)];
  if (from === undefined || at === undefined) return null;
  return compareReleases(from.release, at.release) <= 0 ? restart : null;
}

/** The releases that carry nothing from before the newest restart: all of them where there was none. */
export function sinceRestart(state: LineageState): readonly ReleaseState[] {
  const { releases, restart } = state;
  if (restart === undefined) return releases;
  return releases.filter(({ release }) => restartAt(state, release.name) !== null);
}
