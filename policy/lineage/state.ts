import type { Arm, LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import type { ArmState, LineageState, LogEntry, Order, ReleaseState } from '../../contracts/lineage-state.ts';
import { compareReleases } from '../order-releases.ts';

/** Entries of the log that a state carries beside those that are in no record yet. */
const LOG_LENGTH = 50;
/** However many orders a single release draws. */
const LONGEST_LOG = 1000;

/** A lineage at its beginning. */
export function createLineage(spec: LineageSpec): LineageState {
  return { v: 1, spec, paused: null, releases: [], published: null, log: [] };
}

export function findRelease(state: LineageState, name: string): ReleaseState | undefined {
  return state.releases.find((entry) => entry.release.name === name);
}

/** The release that is worked on. */
export function runningRelease(state: LineageState): ReleaseState | null {
  return state.releases.find(({ status }) => status === 'running') ?? null;
}

/** Whether a newer release of the family was worked on to an end that a later one can start from. */
export function isBehind({ releases }: LineageState, { release }: ReleaseState): boolean {
  return releases.some(
    (other) =>
      (other.status === 'succeeded' || other.status === 'superseded') && compareReleases(other.release, release) > 0,
  );
}

/** Changes one release, if it is known. */
export function changeRelease(
  state: LineageState,
  name: string,
  change: (entry: ReleaseState) => ReleaseState,
): LineageState {
  return { ...state, releases: state.releases.map((entry) => (entry.release.name === name ? change(entry) : entry)) };
}

/** Changes one arm of one release, if there is one. */
export function changeArm(
  state: LineageState,
  release: string,
  arm: Arm,
  change: (arm: ArmState) => ArmState,
): LineageState {
  return changeRelease(state, release, (entry) => ({
    ...entry,
    arms: entry.arms.map((current) => (current.arm === arm ? change(current) : current)),
  }));
}

/** Who and why, and no more: an order may carry a whole spec. */
export function entryOf({ actor, reason }: Order, at: string, what: string): LogEntry {
  return { actor, reason, at, what };
}

/** Adds to the log. What is in no record yet is kept beyond its usual length. */
export function withLog(state: LineageState, entry: LogEntry): LineageState {
  const unrecorded = Math.min((state.unrecorded ?? 0) + 1, LONGEST_LOG);
  const length = Math.max(LOG_LENGTH, unrecorded);
  return { ...state, log: [...state.log, entry].slice(-length), unrecorded };
}

/** Orders that are in no record yet, oldest first. */
export function unrecordedOrders({ log, unrecorded = 0 }: LineageState): readonly LogEntry[] {
  return unrecorded === 0 ? [] : log.slice(-unrecorded);
}

/** Notes what the service itself could not do and why; it goes on without. The same trouble again is noted once. */
export function noteTrouble(state: LineageState, what: string, why: string, at: string): LineageState {
  const newest = state.log.findLast((entry) => entry.what === what);
  if (newest?.actor === 'regraft' && newest.reason === why) return state;
  return withLog(state, { actor: 'regraft', reason: why, at, what });
}

/** Notes that the oldest of the unrecorded orders are in a record now. */
export function noteRecorded(state: LineageState, count: number): LineageState {
  return { ...state, unrecorded: Math.max((state.unrecorded ?? 0) - count, 0) };
}
