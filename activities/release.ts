import { RegraftError } from '../contracts/error.ts';
import type { FamilySpec } from '../contracts/family.schema.ts';
import type { Release } from '../contracts/release.ts';
import { openModel } from '../weights/index.ts';
import { findReleases } from './find-releases.ts';
import { inScratch } from './in-scratch.ts';
import type { OpenedRelease } from './ports.ts';
import { noteOnce, pinRef, readPin, renamedTrouble, type ReleaseDeps, type WatchInput } from './release-pins.ts';
import { firstValue } from './remember.ts';
import { atRim, type ActivityScope } from './rim.ts';

export interface PinInput {
  readonly lineage: string;
  readonly family: FamilySpec;
  readonly name: string;
  readonly position: readonly number[];
  /** What the source called the content when the release was found. */
  readonly version?: string;
  /** Its name at the source, where that is another. */
  readonly of?: string;
  readonly backfill?: boolean;
}

/** Why a release was not handed over: its content is that of a known one. */
export interface Withheld {
  readonly sameAs: string;
}

/** Finding and pinning releases, on the `io` queue. */
export function createReleaseActivities(deps: ReleaseDeps) {
  return {
    findReleases: atRim((input: WatchInput, scope) => findReleases(deps, input, scope.signal)),
    pinRelease: atRim((input: PinInput, scope) => pinRelease(deps, input, scope)),
    announceRelease: atRim((input: { readonly lineage: string; readonly release: Release }) =>
      announceRelease(deps, input),
    ),
  };
}

/**
 * Copies a release into the store and pins its digest under the lineage and name. Once pinned, a name keeps its digest
 * whatever happens at the source: run again, it returns the first pin.
 */
async function pinRelease(deps: ReleaseDeps, input: PinInput, scope: ActivityScope): Promise<Release> {
  const { store, workspace } = deps;
  const ref = pinRef(input.lineage, input.name);
  if ((await store.readRef(ref)) === null) await firstValue(store, ref, await fetchAndStore());
  const pin = await readPin(store, input.lineage, input.name);
  if (pin === null) throw new Error(`the pin ${ref} has gone from the store`);
  const { digest, uri, firstSeenAt, commit } = pin;
  return {
    ...{ name: input.name, position: input.position, uri, digest, firstSeenAt },
    ...(commit !== undefined && { commit }),
    ...(input.backfill === true && { backfill: true }),
  };

  async function fetchAndStore(): Promise<string> {
    return inScratch(workspace, `release-${input.lineage}`, async (into) => {
      const opened = await openAtSource(deps, input, into, scope);
      const digest = await takeIn(deps, input, opened, scope.signal);
      const { uri, version, content } = opened;
      return store.putRecord({ digest, uri, firstSeenAt: deps.clock.now().toISOString(), commit: version, content });
    });
  }
}

async function openAtSource(
  { source }: ReleaseDeps,
  input: PinInput,
  into: string,
  { signal, progress }: ActivityScope,
): Promise<OpenedRelease> {
  const { family, name, of } = input;
  const version =
    input.version ?? (await source.list(family, signal)).releases.find((one) => one.name === (of ?? name))?.version;
  const release = { name: of ?? name, version: version ?? '' };
  const onProgress = (doneBytes: number, totalBytes: number): void => {
    progress({ doneBytes, totalBytes });
  };
  const opened = await source.open({ family, release, into, signal, onProgress });
  // Only what a known release has become is bound to one version: it is called after it.
  if (of === undefined || input.version === undefined || opened.version === version) return opened;
  throw new RegraftError(
    'SOURCE_RELEASE_MOVED',
    `Release ${name}: ${of} has changed again since it was found; the next look takes what it is then.`,
  );
}

/** The digest in the store. What lies in a folder of others must not change while it is copied. */
async function takeIn(
  { store, source }: ReleaseDeps,
  { family, name, of }: PinInput,
  opened: OpenedRelease,
  signal: AbortSignal,
): Promise<string> {
  const { folder, uri, take, version, content } = opened;
  const { files } = await openModel(folder);
  const provenance = { kind: 'release', name, uri } as const;
  const { digest } = await store.putFolder({ kind: 'model', folder, files, provenance, take, signal });
  if (take === 'link') return digest;
  const now = await source.look(family, { name: of ?? name, version }, signal);
  if (now.kind === 'complete' && now.content === content) return digest;
  throw new RegraftError(
    'SOURCE_RELEASE_CHANGING',
    `Release ${name}: ${folder} changed while it was copied; it is copied again when whoever writes it has done.`,
    { retryable: true },
  );
}

/**
 * Hands a release to its lineage; the lineage drops what it knows, and is asked what that is only then. Content that it has
 * under another name is not taken in again, also when both come at the same time: that is a renamed release, and is noted.
 */
async function announceRelease(
  deps: ReleaseDeps,
  { lineage, release }: { readonly lineage: string; readonly release: Release },
): Promise<Withheld | undefined> {
  if ((await deps.door.observeRelease(lineage, release)) === 'queued') {
    deps.metrics.releasesObserved.increment({ lineage });
    return undefined;
  }
  const sameAs = await findTwin(deps, lineage, release);
  if (sameAs === null) return undefined;
  await noteOnce(deps, lineage, renamedTrouble(release.name, sameAs));
  return { sameAs };
}

/** The release of the same content that a lineage has in the place of this one; null when it has this one. */
async function findTwin({ door }: ReleaseDeps, lineage: string, { name, digest }: Release): Promise<string | null> {
  const known = await door.knownReleases(lineage);
  if (known.some((one) => one.name === name)) return null;
  return known.find((one) => one.digest === digest)?.name ?? null;
}
