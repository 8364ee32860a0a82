import type { Arm } from '../../contracts/lineage-spec.schema.ts';
import type { ArmState, Failure, LineageState, ReleaseState, ReleaseStatus } from '../../contracts/lineage-state.ts';
import type { Release } from '../../contracts/release.ts';
import type { PreviousRun, RunResult, RunStage } from '../../contracts/run.ts';
import { adviseRestart } from '../advise-restart.ts';
import { resultOf } from '../arm-result.ts';
import { compareReleases } from '../order-releases.ts';
import { planArms } from '../plan-arms.ts';
import { compactReleases } from './compact.ts';
import { noteLive } from './live.ts';
import { restartAt, settleRestart, sinceRestart } from './restart.ts';
import { addSpent } from './spending.ts';
import { changeArm, changeRelease, findRelease } from './state.ts';

/** What observing a release led to. `moved`: the name is known with another digest, and nothing was changed. */
export type Observation = 'queued' | 'known' | 'moved';

/** Takes a pinned release in, in family order. The same release observed again changes nothing. */
export function observeRelease(
  state: LineageState,
  release: Release,
  at: string,
): { readonly state: LineageState; readonly observation: Observation } {
  const known = findRelease(state, release.name);
  if (known !== undefined) return observeAgain(state, known, release);
  if (isRenamed(state, release)) return { state, observation: 'known' };
  const entry: ReleaseState = {
    release,
    status: 'waiting',
    arms: [],
    recordDigest: null,
    observedAt: at,
    concludedAt: null,
    retries: 0,
    ...(release.backfill === true && { wanted: true }),
  };
  const releases = [...state.releases, entry].sort((left, right) => compareReleases(left.release, right.release));
  return { state: { ...state, releases }, observation: 'queued' };
}

/** Content runs once, whatever it is called. Releases of before carry no commit, and were taken as they came. */
function isRenamed(state: LineageState, { digest, commit }: Release): boolean {
  return commit !== undefined && state.releases.some((entry) => entry.release.digest === digest);
}

/** When somebody asks for the family's past, one that was skipped is taken after all, and one in line is not passed over. */
function observeAgain(
  state: LineageState,
  known: ReleaseState,
  release: Release,
): { readonly state: LineageState; readonly observation: Observation } {
  if (known.release.digest !== release.digest) return { state, observation: 'moved' };
  if (release.backfill !== true) return { state, observation: 'known' };
  if (known.status === 'waiting' || known.status === 'running')
    return { state: want(state, known), observation: 'known' };
  if (known.status !== 'skipped') return { state, observation: 'known' };
  const { note: _, ...entry } = known;
  const again = { ...entry, status: 'waiting', wanted: true, concludedAt: null } as const;
  return { state: changeRelease(state, release.name, () => again), observation: 'queued' };
}

function want(state: LineageState, known: ReleaseState): LineageState {
  return known.wanted === true
    ? state
    : changeRelease(state, known.release.name, (entry) => ({ ...entry, wanted: true }));
}

/** The newest success of the production arm before a release, in family order; null when there is none. */
export function previousRun(state: LineageState, name: string): PreviousRun | null {
  for (const { release, arms } of before(state, name).reverse()) {
    const result = arms[0] === undefined ? null : resultOf(arms[0].arm, arms);
    if (result !== null) return { release: release.name, recordDigest: result.recordDigest, final: result.final };
  }
  return null;
}

/** Marks a release running and plans its arms from everything before it in family order. */
export function startRelease(state: LineageState, name: string): LineageState {
  const settled = settleRestart(state, name);
  const arms = planArms(settled.spec, before(settled, name), restartAt(settled, name));
  return changeRelease(settled, name, (entry) => ({ ...entry, status: 'running', arms }));
}

function before({ releases }: LineageState, name: string): ReleaseState[] {
  const index = releases.findIndex((entry) => entry.release.name === name);
  return releases.slice(0, Math.max(index, 0));
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
  /** Null: it had not trained yet, and leaves nothing. */
  | { readonly kind: 'superseded'; readonly result: RunResult | null }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'cancelled' };

/** Takes in how an arm ended; a published candidate becomes what the next gate compares with. */
export function endArm(state: LineageState, release: string, arm: Arm, outcome: ArmOutcome): LineageState {
  const next = changeArm(state, release, arm, (current) => ended(current, outcome));
  const live = outcome.kind === 'succeeded' ? outcome.result.published : null;
  return live === null ? next : noteLive(next, live);
}

function ended(current: ArmState, outcome: ArmOutcome): ArmState {
  switch (outcome.kind) {
    case 'succeeded':
    case 'superseded': {
      const { result } = outcome;
      const spent = result?.spent ?? current.spent;
      return { ...current, status: outcome.kind, stage: null, result, ...(spent !== undefined && { spent }) };
    }
    case 'failed':
      return { ...current, status: 'failed', failure: outcome.failure };
    case 'cancelled':
      return { ...current, status: 'cancelled' };
  }
}

/**
 * Concludes a release: it is what its production arm is, the one that was when it started (a new spec may name another).
 * What it took is counted; of releases long past only the outcome is kept.
 */
export function concludeRelease(
  state: LineageState,
  name: string,
  recordDigest: string | null,
  at: string,
): LineageState {
  const concluded = changeRelease(state, name, ({ cancelling: _, ...entry }) => ({
    ...entry,
    status: statusOf(entry.arms),
    recordDigest,
    concludedAt: at,
  }));
  const counted = addSpent(concluded, findRelease(concluded, name)?.arms ?? []);
  const { advice: _, ...rest } = { ...counted, releases: compactReleases(counted.releases) };
  const advice = adviseRestart(sinceRestart(rest));
  return advice === null ? rest : { ...rest, advice };
}

/** How a release ends by what became of its arms so far. */
export function statusOf(arms: readonly ArmState[]): Exclude<ReleaseStatus, 'waiting' | 'running' | 'skipped'> {
  const status = arms[0]?.status; // planArms puts production first
  return status === 'succeeded' || status === 'superseded' || status === 'cancelled' ? status : 'failed';
}
