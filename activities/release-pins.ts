import { z } from 'zod';
import { sha256Schema } from '../contracts/artifact.schema.ts';
import type { FamilySpec } from '../contracts/family.schema.ts';
import type { Metrics } from '../metrics/registry.ts';
import type { Backfill } from '../policy/choose-releases.ts';
import type { ArtifactStore, Clock, LineageDoor, ReleaseSource, Workspace } from './ports.ts';

export interface ReleaseDeps {
  readonly store: ArtifactStore;
  readonly source: ReleaseSource;
  readonly workspace: Workspace;
  readonly door: LineageDoor;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export interface WatchInput {
  readonly lineage: string;
  readonly family: FamilySpec;
  /** Announced by hand: this name alone, and an error when the source does not have it. */
  readonly only?: string;
  /** The family's past: everything in this range, oldest first. */
  readonly backfill?: Backfill;
}

/** What a release was when it was first seen. Pins of old have no commit and no content. */
const pinSchema = z.strictObject({
  digest: sha256Schema,
  uri: z.string(),
  firstSeenAt: z.iso.datetime(),
  commit: z.string().optional(),
  content: z.string().optional(),
});

/** The ref of a pin. */
export function pinRef(lineage: string, name: string): string {
  return `release/${lineage}/${encodeURIComponent(name)}`;
}

/** What was pinned under a name; null when nothing was. */
export async function readPin(
  store: ArtifactStore,
  lineage: string,
  name: string,
): Promise<z.output<typeof pinSchema> | null> {
  const record = await store.readRef(pinRef(lineage, name));
  return record === null ? null : pinSchema.parse(await store.getRecord(record));
}

/** What is said of a new name for known content. */
export function renamedTrouble(name: string, as: string): { readonly what: string; readonly why: string } {
  const why = `It has the content of ${as}, which is known; content runs once, whatever it is called.`;
  return { what: `renamed release ${name}`, why };
}

/** A look comes every minute, and the same trouble is news once. */
export async function noteOnce(
  { store, door }: Pick<ReleaseDeps, 'store' | 'door'>,
  lineage: string,
  trouble: { readonly what: string; readonly why: string },
): Promise<void> {
  const record = await store.putRecord({ lineage, ...trouble });
  const ref = `noted/${lineage}/${record}`;
  if ((await store.readRef(ref)) !== null) return;
  await door.noteTrouble(lineage, trouble);
  await store.swapRef(ref, null, record);
}
