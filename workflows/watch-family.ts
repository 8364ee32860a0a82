import type { WatchInput } from '../activities/release-pins.ts';
import type { FreshRelease } from '../policy/choose-releases.ts';
import { io } from './activities.ts';

/**
 * Started by a Temporal Schedule, a webhook or a person: asks the source what is new, pins it and hands it to the lineage, in
 * family order. Short and without state: what it missed, the next one finds. The same release arriving twice is dropped
 * downstream. A family's past is handed over piece by piece, so that no single look grows with it.
 */
export async function watchFamily(input: WatchInput): Promise<{ readonly found: readonly string[] }> {
  const found: string[] = [];
  let fresh = await io.findReleases(input);
  while (fresh.length > 0) {
    for (const release of fresh) if (await handOver(input, release)) found.push(release.name);
    const last = fresh.at(-1);
    if (input.backfill === undefined || last === undefined) break;
    const after = { name: last.name, position: last.position };
    fresh = await io.findReleases({ ...input, backfill: { ...input.backfill, after } });
  }
  return { found };
}

/** Whether it was one to hand over, and not known content under a new name. */
async function handOver({ lineage, family, backfill }: WatchInput, release: FreshRelease): Promise<boolean> {
  const { name, position, version, of } = release;
  const pinned = await io.pinRelease({
    ...{ lineage, family, name, position, version },
    ...(of !== undefined && { of }),
    ...(backfill !== undefined && { backfill: true }),
  });
  const withheld = await io.announceRelease({ lineage, release: pinned });
  return withheld === undefined;
}
