import { z } from 'zod';
import { sha256Schema } from '../contracts/artifact.schema.ts';
import { RegraftError } from '../contracts/error.ts';
import type { FamilySpec } from '../contracts/lineage-spec.schema.ts';
import type { Release, ReleaseCandidate } from '../contracts/release.ts';
import type { Metrics } from '../metrics/registry.ts';
import { orderReleases } from '../policy/order-releases.ts';
import { openModel } from '../weights/index.ts';
import type { ArtifactStore, Clock, LineageDoor, ReleaseSource } from './ports.ts';
import { firstValue } from './remember.ts';
import { atRim, type ActivityScope } from './rim.ts';

export interface ReleaseDeps {
  readonly store: ArtifactStore;
  readonly source: ReleaseSource;
  readonly door: LineageDoor;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export interface WatchInput {
  readonly lineage: string;
  readonly family: FamilySpec;
  /** Announced by hand: this name alone, and an error when the source does not have it. */
  readonly only?: string;
}

export interface PinInput {
  readonly lineage: string;
  readonly family: FamilySpec;
  readonly name: string;
  readonly position: readonly number[];
}

const pinSchema = z.strictObject({ digest: sha256Schema, uri: z.string(), firstSeenAt: z.iso.datetime() });

/** Finding and pinning releases, on the `io` queue. */

export function createReleaseActivities(deps: ReleaseDeps) {
  return {
    findReleases: atRim((input: WatchInput) => findReleases(deps, input)),
    pinRelease: atRim((input: PinInput, scope) => pinRelease(deps, input, scope)),
    announceRelease: atRim((input: { readonly lineage: string; readonly release: Release }) =>
      announceRelease(deps, input),
    ),
  };
}

/** Names in family order that the source has and the lineage has not taken in yet. Level-triggered: asks, never remembers. */
async function findReleases(
  deps: ReleaseDeps,
  input: WatchInput,
): Promise<readonly Pick<ReleaseCandidate, 'name' | 'position'>[]> {
  const [names, known] = await Promise.all([deps.source.list(input.family), deps.door.knownReleases(input.lineage)]);
  const { ordered } = orderReleases(names, input.family);
  if (input.only === undefined) return ordered.filter(({ name }) => !known.includes(name));
  const wanted = ordered.filter(({ name }) => name === input.only);
  if (wanted.length === 0)
    throw releaseNotFound(
      input,
      input.only,
      ordered.map(({ name }) => name),
    );
  return wanted;
}

function releaseNotFound(input: WatchInput, name: string, found: readonly string[]): RegraftError {
  return new RegraftError(
    'RELEASE_NOT_FOUND',
    `Release ${name} of lineage ${input.lineage} is not in ${input.family.folder} as a complete model folder whose name follows \`${input.family.names}\`; found ${found.length === 0 ? 'none' : found.join(', ')}.`,
  );
}

/**
 * Copies a release into the store and pins its digest under the lineage and name. Once pinned, a name keeps its digest
 * whatever happens at the source: run again, it returns the first pin.
 */
async function pinRelease(deps: ReleaseDeps, input: PinInput, scope: ActivityScope): Promise<Release> {
  const { store, source, clock } = deps;
  const ref = `release/${input.lineage}/${encodeURIComponent(input.name)}`;
  const known = await store.readRef(ref);
  const record = known ?? (await firstValue(store, ref, await copyIn()));
  const { digest, uri, firstSeenAt } = pinSchema.parse(await store.getRecord(record));
  return { name: input.name, position: input.position, uri, digest, firstSeenAt };

  async function copyIn(): Promise<string> {
    const { folder, uri } = await source.open(input.family, input.name);
    const { files } = await openModel(folder);
    const manifest = await store.putFolder({
      kind: 'model',
      folder,
      files,
      provenance: { kind: 'release', name: input.name, uri },
      take: 'copy',
      signal: scope.signal,
    });
    return store.putRecord({ digest: manifest.digest, uri, firstSeenAt: clock.now().toISOString() });
  }
}

/** Hands a release to its lineage; the lineage drops what it knows. */
async function announceRelease(
  deps: ReleaseDeps,
  input: { readonly lineage: string; readonly release: Release },
): Promise<void> {
  await deps.door.observeRelease(input.lineage, input.release);
  deps.metrics.releasesObserved.increment({ lineage: input.lineage });
}
