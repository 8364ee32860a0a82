import { isSameModel } from '../../contracts/is-same-model.ts';
import type { LineageState, Order } from '../../contracts/lineage-state.ts';
import type { Release } from '../../contracts/release.ts';
import type { PublishedModel } from '../../contracts/run.ts';
import { compareReleases } from '../order-releases.ts';
import { entryOf, findRelease, withLog } from './state.ts';

/** Publications that one may roll back to. */
const KEPT = 20;

/**
 * Notes what is live now; it is what the next gate compares with. What it replaces comes right before it, also where that
 * had been rolled back to: a rollback undoes what has just happened.
 */
export function noteLive(state: LineageState, live: PublishedModel): LineageState {
  const replaced = state.published === null ? [] : [state.published];
  const others = publicationsOf(state).filter((one) => !replaced.some((other) => isSameModel(one, other)));
  const earlier = [...others, ...replaced].filter((one) => !isSameModel(one, live));
  return { ...state, published: live, publications: [...earlier, live].slice(-KEPT) };
}

/** What went live, newest last. */
function publicationsOf({ publications, published }: LineageState): readonly PublishedModel[] {
  return publications ?? (published === null ? [] : [published]);
}

/** Why a release's candidate must not go live whatever it scores: something newer in the family is. Null: it may. */
export function withheldBecause(state: LineageState, release: Release): string | null {
  const live = state.published === null ? undefined : findRelease(state, state.published.release);
  if (live === undefined || compareReleases(live.release, release) <= 0) return null;
  return `${live.release.name} is live, which is newer than ${release.name}`;
}

/** What a rollback comes to. */
export type RollbackPlan =
  | { readonly kind: 'to'; readonly from: PublishedModel; readonly to: PublishedModel }
  | { readonly kind: 'already'; readonly live: PublishedModel }
  | { readonly kind: 'nothing-live' }
  | { readonly kind: 'nothing-before'; readonly live: PublishedModel }
  | { readonly kind: 'unknown'; readonly known: readonly string[] };

/**
 * What a rollback would make live: what a release brought; without one, what was live before the newest publication. Where
 * that was rolled back already it stays as it is, so that the same order twice changes nothing the second time.
 */
export function planRollback(state: LineageState, release: string | null): RollbackPlan {
  const live = state.published;
  if (live === null) return { kind: 'nothing-live' };
  const publications = publicationsOf(state);
  const newest = publications.at(-1);
  if (release === null && newest !== undefined && !isSameModel(newest, live)) return { kind: 'already', live };
  const to = release === null ? publications.at(-2) : publications.findLast((one) => one.release === release);
  if (to === undefined) {
    return release === null
      ? { kind: 'nothing-before', live }
      : { kind: 'unknown', known: publications.map((publication) => publication.release) };
  }
  return isSameModel(to, live) ? { kind: 'already', live } : { kind: 'to', from: live, to };
}

/** Notes that a rollback was done. What was live stays among the publications: one may roll forward again. */
export function rollBack(state: LineageState, to: PublishedModel, order: Order, at: string): LineageState {
  const from = state.published?.release ?? 'nothing';
  return withLog({ ...state, published: to }, entryOf(order, at, `rollback ${from} to ${to.release}`));
}
