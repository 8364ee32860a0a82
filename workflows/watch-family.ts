import type { WatchInput } from '../activities/release.ts';
import { io } from './activities.ts';

/**
 * Started by a Temporal Schedule: asks the source what is new, pins it and hands it to the lineage, in family order.
 * Short and without state: what it missed, the next one finds. The same release arriving twice is dropped downstream.
 */
export async function watchFamily(input: WatchInput): Promise<{ readonly found: readonly string[] }> {
  const fresh = await io.findReleases(input);
  for (const { name, position } of fresh) {
    const release = await io.pinRelease({ ...input, name, position });
    await io.announceRelease({ lineage: input.lineage, release });
  }
  return { found: fresh.map(({ name }) => name) };
}
