import { isSameModel } from '../../contracts/is-same-model.ts';
import type { LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import type { PublishedModel } from '../../contracts/run.ts';
import { shortDigest } from './words.ts';

/** What is live, and from what it was rolled back. */
export function liveText(state: LineageState): string {
  const { published } = state;
  if (published === null) return 'nothing yet';
  const from = rolledBackFrom(state);
  return `${published.release} (${shortDigest(published.candidateDigest)})${from === null ? '' : `, rolled back from ${from.release}`}`;
}

/** The newest publication, where something else is live; null: it is live itself. */
export function rolledBackFrom({ published, publications }: LineageState): PublishedModel | null {
  const newest = publications?.at(-1);
  if (published === null || newest === undefined || isSameModel(newest, published)) return null;
  return newest;
}

/** Whether what a release brought is live; `was` and `rolled back`: it was once. Null: it never was. */
export function livenessOf(
  state: LineageState,
  { release, arms }: ReleaseState,
): 'live' | 'was live' | 'rolled back' | null {
  const mine = arms.length === 0 ? publicationOf(state, release.name) : (arms[0]?.result?.published ?? null);
  if (mine === null) return null;
  const { published, releases } = state;
  if (published === null) return 'was live';
  if (isSameModel(mine, published)) return 'live';
  const mineAt = releases.findIndex((entry) => entry.release.name === release.name);
  return releases.slice(0, mineAt).some((entry) => entry.release.name === published.release)
    ? 'rolled back'
    : 'was live';
}

/** Of a release long past, whose arms are not at hand. */
function publicationOf({ publications, published }: LineageState, release: string): PublishedModel | null {
  const known = [...(publications ?? []), ...(published === null ? [] : [published])];
  return known.findLast((one) => one.release === release) ?? null;
}
