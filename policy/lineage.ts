import type { Arm, LineageSpec } from '../contracts/lineage-spec.schema.ts';
import type {
  Applied,
  ArmState,
  Failure,
  LineageState,
  LogEntry,
  Order,
  ReleaseState,
  ReleaseStatus,
} from '../contracts/lineage-state.ts';
import type { Release } from '../contracts/release.ts';
import type { PreviousRun, RunResult, RunStage } from '../contracts/run.ts';
import { resultOf } from './arm-result.ts';
import { compareReleases } from './order-releases.ts';
import { planArms } from './plan-arms.ts';

/** Entries of the log that a state carries; older ones stay in Temporal's history. */
const LOG_LENGTH = 50;

/** A lineage at its beginning. */
export function createLineage(spec: LineageSpec): LineageState {
  return { v: 1, spec, paused: null, releases: [], published: null, log: [] };
}

/** What observing a release led to. `moved`: the name is known with another digest, and nothing was changed. */
export type Observation = 'queued' | 'known' | 'moved';

/** Takes a pinned release in, in family order. The same release observed again changes nothing. */
export function observeRelease(
  state: LineageState,
  release: Release,
  at: string,
): { readonly state: LineageState; readonly observation: Observation } {
  const known = findRelease(state, release.name);
  if (known !== undefined) {
    return { state, observation: known.release.digest === release.digest ? 'known' : 'moved' };
  }
  const entry: ReleaseState = {
    release,
    status: 'waiting',
    arms: [],
    recordDigest: null,
    observedAt: at,
    concludedAt: null,
    retries: 0,
  };
  const releases = [...state.releases, entry].sort((left, right) => compareReleases(left.release, right.release));
  return { state: { ...state, releases }, observation: 'queued' };
}

/** The release to run next: the first waiting one in family order; null while paused or when none waits. */
export function nextRelease(state: LineageState): ReleaseState | null {
  if (state.paused !== null) return null;
  return state.releases.find((entry) => entry.status === 'waiting') ?? null;
}

/** The newest success of the production arm before a release, in family order; null when there is none. */
export function previousRun(state: LineageState, name: string): PreviousRun | null {
  const index = state.releases.findIndex((entry) => entry.release.name === name);
  for (const { release, arms } of state.releases.slice(0, Math.max(index, 0)).reverse()) {
    const result = arms[0] === undefined ? null : resultOf(arms[0].arm, arms);
    if (result !== null) return { release: release.name, recordDigest: result.recordDigest, final: result.final };
  }
  return null;
}

/** Marks a release running and plans its arms from everything before it in family order. */
export function startRelease(state: LineageState, name: string): LineageState {
  const index = state.releases.findIndex((entry) => entry.release.name === name);
  const arms = planArms(state.spec, state.releases.slice(0, Math.max(index, 0)));
  return changeRelease(state, name, (entry) => ({ ...entry, status: 'running', arms }));
}

/** Notes the stage that an arm has reached. What is told of an arm that has ended comes late and changes nothing. */
export function enterStage(state: LineageState, release: string, arm: Arm, stage: RunStage): LineageState {
  return changeArm(state, release, arm, (current) =>
    current.status === 'waiting' || current.status === 'running' ? { ...current, status: 'running', stage } : current,
  );
}

/** How an arm ended. */
export type ArmOutcome =
  | { readonly kind: 'succeeded'; readonly result: RunResult }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'cancelled' };

/** Takes in how an arm ended; a published candidate becomes what the next gate compares with. */
export function endArm(state: LineageState, release: string, arm: Arm, outcome: ArmOutcome): LineageState {
  const next = changeArm(state, release, arm, (current) => {
    switch (outcome.kind) {
      case 'succeeded':
        return { ...current, status: 'succeeded', stage: null, result: outcome.result };
      case 'failed':
        return { ...current, status: 'failed', failure: outcome.failure };
      case 'cancelled':
        return { ...current, status: 'cancelled' };
    }
  });
  const published = outcome.kind === 'succeeded' ? outcome.result.published : null;
  return published === null ? next : { ...next, published };
}

/** Concludes a release: it is what its production arm is, the one that was when it started (a new spec may name another). */
export function concludeRelease(
  state: LineageState,
  name: string,
  recordDigest: string | null,
  at: string,
): LineageState {
  return changeRelease(state, name, (entry) => ({
    ...entry,
    status: statusOf(entry.arms),
    recordDigest,
    concludedAt: at,
  }));
}

function statusOf(arms: readonly ArmState[]): ReleaseStatus {
  const status = arms[0]?.status; // planArms puts production first
  return status === 'succeeded' || status === 'cancelled' ? status : 'failed';
}

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
 * Takes a spec: the first one given is how the lineage began, a later one counts for releases that start from now on. Both
 * are noted with who and why; an equal spec again changes nothing.
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

/** Puts a failed or cancelled release back in line. Anything else stays as it is. */
export function retryRelease(state: LineageState, name: string, order: Order, at: string): LineageState {
  const entry = findRelease(state, name);
  if (entry === undefined || !isRetryable(entry)) return state;
  const waiting = changeRelease(state, name, (current) => ({
    ...current,
    status: 'waiting',
    arms: [],
    recordDigest: null,
    concludedAt: null,
    retries: current.retries + 1,
  }));
  return withLog(waiting, entryOf(order, at, `retry ${name}`));
}

export function isRetryable(entry: ReleaseState): boolean {
  return entry.status === 'failed' || entry.status === 'cancelled';
}

/** Cancels a release that waits; a running one is cancelled by its runs ending. Both are noted. */
export function cancelRelease(state: LineageState, name: string, order: Order, at: string): LineageState {
  const cancelled = changeRelease(state, name, (entry) =>
    entry.status === 'waiting' ? { ...entry, status: 'cancelled', concludedAt: at } : entry,
  );
  return withLog(cancelled, entryOf(order, at, `cancel ${name}`));
}

/** Notes what the service itself could not do and why; it goes on without. */
export function noteTrouble(state: LineageState, what: string, why: string, at: string): LineageState {
  return withLog(state, { actor: 'regraft', reason: why, at, what });
}

export function findRelease(state: LineageState, name: string): ReleaseState | undefined {
  return state.releases.find((entry) => entry.release.name === name);
}

/** Who and why, and no more: an order may carry a whole spec. */
function entryOf({ actor, reason }: Order, at: string, what: string): LogEntry {
  return { actor, reason, at, what };
}

function withLog(state: LineageState, entry: LogEntry): LineageState {
  return { ...state, log: [...state.log, entry].slice(-LOG_LENGTH) };
}

function changeRelease(state: LineageState, name: string, change: (entry: ReleaseState) => ReleaseState): LineageState {
  return { ...state, releases: state.releases.map((entry) => (entry.release.name === name ? change(entry) : entry)) };
}

function changeArm(state: LineageState, release: string, arm: Arm, change: (arm: ArmState) => ArmState): LineageState {
  return changeRelease(state, release, (entry) => ({
    ...entry,
    arms: entry.arms.map((current) => (current.arm === arm ? change(current) : current)),
  }));
}
