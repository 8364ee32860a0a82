import type { FamilySpec } from '../contracts/family.schema.ts';
import { compareReleases, placeInOrder, type OrderedName } from './order-releases.ts';

/** What a source has under a name now; `version` is what the source itself calls the content. */
export interface ListedRelease {
  readonly name: string;
  readonly version: string;
}

/** What a lineage has taken in; `commit` is the version it had when it was first seen, where that was kept. */
export interface KnownRelease {
  readonly name: string;
  readonly digest: string;
  readonly commit?: string;
}

/** A release that has to be looked at and pinned. */
export interface FreshRelease extends OrderedName {
  readonly version: string;
  /** Its name at the source, where that is another: it is what a known release has become. */
  readonly of?: string;
}

/** Which part of a family's past is handed over. Both ends belong to it. */
export interface Backfill {
  readonly from?: string;
  readonly to?: string;
  /** The last that was handed over: what comes next begins behind it. */
  readonly after?: OrderedName;
}

/** What a look at a source leads to. */
export interface Choice {
  /** In family order. */
  readonly fresh: readonly FreshRelease[];
  /** Known releases whose name stands for another version now; whether for other content, only a look can tell. */
  readonly drifted: readonly { readonly from: KnownRelease; readonly to: FreshRelease }[];
  /** New names of what is known, or found, under another name already: nothing that would have to run again. */
  readonly renamed: readonly { readonly name: string; readonly as: string }[];
}

/** Separates the name of a release from the commit that it moved to; no name that is read from a source has it. */
const MOVED_TO = '@';
/** Digits of a commit that tell one from another. */
const SHOWN = 12;

/**
 * Decides what of a source's listing is new to a lineage. Level-triggered: asked again with the same, it says the same, so
 * that a release which arrives twice, late, or out of order is taken once and in its place. A known release that is no longer
 * listed changes nothing.
 */
export function chooseReleases(input: {
  readonly listed: readonly ListedRelease[];
  readonly known: readonly KnownRelease[];
  readonly family: Pick<FamilySpec, 'names' | 'revisions' | 'order' | 'since'>;
  /** Given: everything in this range, known or not, whatever `since` says. */
  readonly backfill?: Backfill;
}): Choice {
  const { known, family, backfill } = input;
  const names = new Set(backfill === undefined ? known.map(({ name }) => name) : []);
  const ordered = inOrder(input.listed, family);
  const range = backfill ?? (family.since === undefined ? {} : { from: family.since });
  const seen = new Map(known.flatMap(({ name, commit }) => (commit === undefined ? [] : [[commit, name]])));
  const fresh: FreshRelease[] = [];
  const renamed: Choice['renamed'][number][] = [];
  for (const release of ordered) {
    if (names.has(release.name) || !isWithin(release, range, family)) continue;
    const as = seen.get(release.version);
    if (as === undefined || as === release.name) fresh.push(release);
    else renamed.push({ name: release.name, as });
    seen.set(release.version, as ?? release.name);
    names.add(release.name);
  }
  return { fresh, drifted: ordered.flatMap((release) => driftOf(release, known)), renamed };
}

/** The listing in family order, without what does not follow the pattern. */
export function inOrder(
  listed: readonly ListedRelease[],
  family: Pick<FamilySpec, 'names' | 'revisions' | 'order'>,
): readonly FreshRelease[] {
  return listed
    .flatMap((release) => {
      const position = placeInOrder(release.name, family);
      return position === null || release.name.includes(MOVED_TO) ? [] : [{ ...release, position }];
    })
    .sort(compareReleases);
}

/** Whether a release lies in a range of its family; a name at an end that is in no order of the family's bounds nothing. */
export function isWithin(
  release: OrderedName,
  { from, to, after }: Backfill,
  family: Pick<FamilySpec, 'names' | 'revisions' | 'order'>,
): boolean {
  const [first, last] = [from, to].map((name) => (name === undefined ? null : placeInOrder(name, family)));
  if (after !== undefined && compareReleases(release, after) <= 0) return false;
  if (first && compareReleases(release, { name: from ?? '', position: first }) < 0) return false;
  return !(last && compareReleases(release, { name: to ?? '', position: last }) > 0);
}

function driftOf(release: FreshRelease, known: readonly KnownRelease[]): Choice['drifted'] {
  const from = known.find(({ name }) => name === release.name);
  if (from?.commit === undefined || from.commit === release.version) return [];
  const moves = known.filter(({ name }) => name.startsWith(`${release.name}${MOVED_TO}`));
  if (moves.some(({ commit }) => commit === release.version)) return [];
  const to = {
    name: `${release.name}${MOVED_TO}${release.version.slice(0, SHOWN)}`,
    // Right after what it has moved from, and after earlier moves.
    position: [...release.position, moves.length + 1],
    version: release.version,
    of: release.name,
  };
  return [{ from, to }];
}
