import { stat } from 'node:fs/promises';
import type { ReleaseSource } from '../activities/ports.ts';
import { isErrno } from '../adapters/store/atomic-file.ts';
import { isCodedError, RegraftError } from '../contracts/error.ts';
import { patternOf, placeOf } from '../contracts/family.ts';
import type { FamilySpec } from '../contracts/family.schema.ts';
import { inOrder, isWithin, type FreshRelease } from '../policy/choose-releases.ts';
import { placeInOrder } from '../policy/order-releases.ts';
import { fieldsInWords } from '../policy/release-name.ts';

/** Releases that are looked at; at the others a plan would take minutes, and the Hub lose its patience. */
const LOOKED_AT = 100;

/** A release as its source has it now. */
export interface PlannedRelease {
  readonly name: string;
  readonly position: readonly number[];
  /** What the name says, e.g. `stage 1, step 300000`. */
  readonly fields: string;
  /** What the source calls its content. */
  readonly version: string;
  /** Null where telling would mean to fetch weights. */
  readonly parameters: number | null;
  /** Null: too far behind to be looked at. */
  readonly sizeBytes: number | null;
}

/** A family in its order, as its source has it now. */
export interface FamilyPlan {
  /** What the watch would take, in order. */
  readonly releases: readonly PlannedRelease[];
  /** What it leaves out because of `since`, in order. */
  readonly older: readonly string[];
  readonly ignored: readonly { readonly name: string; readonly why: string }[];
  /** Everything that would stop it, as sentences. */
  readonly blockers: readonly string[];
}

/** Asks a family's source for its order and sizes; fetches no weights. What the source refuses is among the blockers. */
export async function planFamily(family: FamilySpec, source: ReleaseSource, signal: AbortSignal): Promise<FamilyPlan> {
  const blockers: string[] = [];
  try {
    await assertFolder(family);
    assertSince(family);
    return await look(family, source, signal);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    blockers.push(error.message);
  }
  return { releases: [], older: [], ignored: [], blockers };
}

async function look(family: FamilySpec, source: ReleaseSource, signal: AbortSignal): Promise<FamilyPlan> {
  const listing = await source.list(family, signal);
  const ordered = inOrder(listing.releases, family);
  const since = family.since === undefined ? {} : { from: family.since };
  const taken = ordered.filter((release) => isWithin(release, since, family));
  const releases: PlannedRelease[] = [];
  const ignored = [...listing.ignored, ...strangers(listing.releases, family)];
  const blockers: string[] = [];
  for (const [index, release] of taken.entries()) {
    const found = index < LOOKED_AT ? await source.look(family, release, signal) : null;
    if (found?.kind === 'incomplete') ignored.push({ name: release.name, why: `not yet a release: ${found.why}` });
    else releases.push(planned(release, family, found));
    if (found?.kind === 'complete') blockers.push(...found.problems.map((problem) => `${release.name}: ${problem}`));
  }
  const older = ordered.filter((release) => !taken.includes(release)).map(({ name }) => name);
  return { releases, older, ignored, blockers };
}

function planned(
  { name, position, version }: FreshRelease,
  family: FamilySpec,
  found: { readonly parameterCount: number | null; readonly sizeBytes: number } | null,
): PlannedRelease {
  return {
    ...{ name, position, version },
    fields: fieldsInWords(name, patternOf(family), family.order),
    parameters: found?.parameterCount ?? null,
    sizeBytes: found?.sizeBytes ?? null,
  };
}

function strangers(listed: readonly { readonly name: string }[], family: FamilySpec): FamilyPlan['ignored'] {
  const inFamily = new Set(
    inOrder(
      listed.map(({ name }) => ({ name, version: '' })),
      family,
    ).map(({ name }) => name),
  );
  const why = `the name does not follow \`${patternOf(family)}\``;
  return listed.filter(({ name }) => !inFamily.has(name)).map(({ name }) => ({ name, why }));
}

function assertSince(family: FamilySpec): void {
  if (family.since === undefined || placeInOrder(family.since, family) !== null) return;
  throw new RegraftError(
    'FAMILY_SINCE_INVALID',
    `\`family.since\` is ${family.since}, which does not follow \`${patternOf(family)}\`, so nothing can come before it; name a release of the family.`,
  );
}

/** The source itself takes a folder that is not there for one without releases yet. */
async function assertFolder(family: FamilySpec): Promise<void> {
  const place = placeOf(family);
  if (place.kind !== 'folder') return;
  const found = await stat(place.folder).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  });
  if (found === null)
    throw new RegraftError(
      'FAMILY_NOT_FOUND',
      `Family folder ${place.folder} does not exist; correct \`family.folder\`, or make the folder.`,
    );
  if (!found.isDirectory())
    throw new RegraftError('FAMILY_NOT_FOUND', `Family folder ${place.folder} is a file; correct \`family.folder\`.`);
}
