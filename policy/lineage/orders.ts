import type { LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import type { Applied, LineageState, Order, ReleaseState } from '../../contracts/lineage-state.ts';
import { takeBackSpent } from './spending.ts';
import { changeRelease, entryOf, findRelease, withLog } from './state.ts';

/** Holds the lineage. Pausing a paused lineage changes nothing. */
export function pauseLineage(state: LineageState, order: Order, at: string): LineageState {
  if (state.paused !== null) return state;
  const entry = entryOf(order, at, 'pause');
  return withLog({ ...state, paused: entry }, entry);
}

/** Lets a paused lineage go on. Resuming one that runs changes nothing. */
export function resumeLineage(state: LineageState, order: Order, at: string): LineageState {
  if (state.paused === null) return state;
  return withLog({ ...state, paused: null }, entryOf(order, at, 'resume'));
}

/**
 * Takes a spec: the first one given is how the lineage began, a later one is a change (policy/spec-changes.ts says from
 * when on each part counts). Both are noted with who and why; an equal spec again changes nothing.
 */
export function applySpec(
  state: LineageState,
  spec: LineageSpec,
  order: Order,
  at: string,
): { readonly state: LineageState; readonly applied: Applied } {
  if (state.log.length === 0)
    return { state: withLog({ ...state, spec }, entryOf(order, at, 'create')), applied: 'created' };
  if (JSON.stringify(spec) === JSON.stringify(state.spec)) return { state, applied: 'unchanged' };
  return { state: withLog({ ...state, spec }, entryOf(order, at, 'apply')), applied: 'changed' };
}

/** Whether an order about a release is to be carried out, was carried out before, or cannot be. */
export type Fitness = 'fits' | 'done' | 'refused';

/** A release that ended without all it was to bring can be tried again; one that is in line again already was. */
export function fitsRetry({ status, retries }: ReleaseState): Fitness {
  if (status === 'waiting' || status === 'running') return retries > 0 ? 'done' : 'refused';
  return status === 'succeeded' ? 'refused' : 'fits';
}

/** Puts a release back in line; from then on no backlog policy passes it over. Anything but one that fits stays as it is. */
export function retryRelease(state: LineageState, name: string, order: Order, at: string): LineageState {
  const entry = findRelease(state, name);
  if (entry === undefined || fitsRetry(entry) !== 'fits') return state;
  const waiting = changeRelease(takeBackSpent(state, entry.arms), name, ({ note: _, ...current }) => ({
    ...current,
    status: 'waiting',
    arms: [],
    recordDigest: null,
    concludedAt: null,
    retries: current.retries + 1,
    wanted: true,
  }));
  return withLog(waiting, entryOf(order, at, `retry ${name}`));
}

export function fitsCancel({ status, cancelling }: ReleaseState): Fitness {
  if (status === 'cancelled' || cancelling === true) return 'done';
  return status === 'waiting' || status === 'running' ? 'fits' : 'refused';
}

/** Cancels a release that waits; a running one is cancelled by its runs ending. Both are noted, once. */
export function cancelRelease(state: LineageState, name: string, order: Order, at: string): LineageState {
  const entry = findRelease(state, name);
  if (entry === undefined || fitsCancel(entry) !== 'fits') return state;
  const cancelled = changeRelease(state, name, (current) =>
    current.status === 'waiting'
      ? { ...current, status: 'cancelled', concludedAt: at }
      : { ...current, cancelling: true },
  );
  return withLog(cancelled, entryOf(order, at, `cancel ${name}`));
}
