import { RegraftError } from '../contracts/error.ts';
import { patternOf, placeInWords } from '../contracts/family.ts';
import {
  chooseReleases,
  inOrder,
  type Choice,
  type FreshRelease,
  type KnownRelease,
  type ListedRelease,
} from '../policy/choose-releases.ts';
import { compareReleases, placeInOrder } from '../policy/order-releases.ts';
import { noteOnce, readPin, renamedTrouble, type ReleaseDeps, type WatchInput } from './release-pins.ts';

/** A look is short; what it leaves, the next one finds. */
const AT_ONCE = 50;

/**
 * What the source has and the lineage has not taken in yet, in family order. Level-triggered: asks, never remembers. What is
 * not whole yet is left out. A known release that has other content now is an alarm or a release, as the family says.
 *
 * @throws RELEASE_NOT_FOUND, RELEASE_INCOMPLETE (asked for by name), FAMILY_SINCE_INVALID, and those of the source
 */
export async function findReleases(
  deps: ReleaseDeps,
  input: WatchInput,
  signal: AbortSignal,
): Promise<readonly FreshRelease[]> {
  const { lineage, family, only, backfill } = input;
  assertBounds(input);
  const [{ releases: listed }, known] = await Promise.all([
    deps.source.list(family, signal),
    deps.door.knownReleases(lineage),
  ]);
  if (only !== undefined) return [await findOne(deps, input, only, listed, known, signal)];
  const choice = chooseReleases({ listed, known, family, ...(backfill !== undefined && { backfill }) });
  for (const { name, as } of choice.renamed) await noteOnce(deps, lineage, renamedTrouble(name, as));
  const whole = await findWhole(deps, input, choice.fresh, known, signal);
  if (backfill !== undefined) return whole;
  const moved = await findMoved(deps, input, choice.drifted, known, signal);
  return [...whole, ...moved].sort(compareReleases);
}

async function findWhole(
  deps: ReleaseDeps,
  { lineage, family }: WatchInput,
  fresh: readonly FreshRelease[],
  known: readonly KnownRelease[],
  signal: AbortSignal,
): Promise<readonly FreshRelease[]> {
  const whole: FreshRelease[] = [];
  for (const release of fresh) {
    if (whole.length === AT_ONCE) break;
    const isKnown = known.some(({ name }) => name === release.name);
    if (!isKnown && (await isHeldAlready(deps, lineage, release.name, known))) continue;
    if (isKnown || (await deps.source.look(family, release, signal)).kind === 'complete') whole.push(release);
  }
  return whole;
}

/** Whether a release was fetched before and found to be known content under a new name. */
async function isHeldAlready(
  { store }: ReleaseDeps,
  lineage: string,
  name: string,
  known: readonly KnownRelease[],
): Promise<boolean> {
  const pin = await readPin(store, lineage, name);
  return pin !== null && known.some(({ digest }) => digest === pin.digest);
}

async function findOne(
  deps: ReleaseDeps,
  input: WatchInput,
  only: string,
  listed: readonly ListedRelease[],
  known: readonly KnownRelease[],
  signal: AbortSignal,
): Promise<FreshRelease> {
  const ordered = inOrder(listed, input.family);
  const release = ordered.find(({ name }) => name === only);
  if (release === undefined) {
    const names = ordered.map(({ name }) => name);
    throw notFound(input, only, names);
  }
  if (known.some(({ name }) => name === only)) return release;
  const found = await deps.source.look(input.family, release, signal);
  if (found.kind === 'complete') return release;
  throw new RegraftError(
    'RELEASE_INCOMPLETE',
    `Release ${only} of lineage ${input.lineage} is not yet a release: ${found.why}; announce it when it is whole.`,
  );
}

/** Of known releases that stand for another version: those with other content, in so far as they are releases. */
async function findMoved(
  deps: ReleaseDeps,
  { lineage, family }: WatchInput,
  drifted: Choice['drifted'],
  known: readonly KnownRelease[],
  signal: AbortSignal,
): Promise<readonly FreshRelease[]> {
  const moved: FreshRelease[] = [];
  for (const { from, to } of drifted) {
    const source = { name: from.name, version: to.version };
    const found = await deps.source.look(family, source, signal);
    // What is being written, or has only another model card, has not moved.
    const pin = await readPin(deps.store, lineage, from.name);
    if (found.kind === 'incomplete' || found.content === pin?.content) continue;
    if (family.moved !== 'release') await noteOnce(deps, lineage, movedTrouble(from, to));
    else if (!(await isHeldAlready(deps, lineage, to.name, known))) moved.push(to);
  }
  return moved;
}

function movedTrouble(from: KnownRelease, to: FreshRelease): { readonly what: string; readonly why: string } {
  const why = `It was ${from.commit ?? ''} when it was first seen and is ${to.version} now, with other content; the first stays. Find out who changed it; \`moved: release\` in the family takes such changes as releases of their own.`;
  return { what: `moved release ${from.name}`, why };
}

function assertBounds({ family, backfill }: WatchInput): void {
  const bounds = backfill === undefined ? [family.since] : [backfill.from, backfill.to];
  const wrong = bounds.find((name) => name !== undefined && placeInOrder(name, family) === null);
  if (wrong === undefined) return;
  throw new RegraftError(
    'FAMILY_SINCE_INVALID',
    `${wrong} does not follow \`${patternOf(family)}\`, so nothing can come before or after it; name a release of the family.`,
  );
}

function notFound({ lineage, family }: WatchInput, name: string, found: readonly string[]): RegraftError {
  return new RegraftError(
    'RELEASE_NOT_FOUND',
    `Release ${name} of lineage ${lineage} is not in ${placeInWords(family)} as a release whose name follows \`${patternOf(family)}\`; found ${found.length === 0 ? 'none' : found.join(', ')}.`,
  );
}
