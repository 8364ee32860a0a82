import { appendFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LineageDoor } from '../../activities/ports.ts';
import { createReleaseActivities } from '../../activities/release.ts';
import { createFolderSource } from '../../adapters/source/folder-source.ts';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import type { Release } from '../../contracts/release.ts';
import { createMetrics } from '../../metrics/registry.ts';
import { AT, makeRelease, makeSpec } from '../support/lineage-values.ts';
import { runActivity } from '../support/run-activity.ts';
import { f32Tensor, readF32, singleFile, temporaryFolder, writeModelFolder } from '../support/safetensors.ts';

const NORM = 'model.norm.weight';

/** A family folder with these releases, real adapters, and a door that notes what is handed over. */
async function setUp(names: readonly string[], known: readonly string[] = []) {
  const root = await temporaryFolder();
  const folder = path.join(root, 'family');
  for (const name of names) await writeModelFolder(path.join(folder, name), singleFile(f32Tensor(NORM, [1, 2])));
  const observed: Release[] = [];
  const door: LineageDoor = {
    knownReleases: async () => known,
    observeRelease: async (_lineage, release) => void observed.push(release),
    announceCheckpoint: async () => undefined,
  };
  const store = createFsArtifactStore(path.join(root, 'store'));
  const clock = { now: () => new Date(AT), sleep: async () => undefined };
  const deps = { store, source: createFolderSource(), door, clock, metrics: createMetrics() };
  const family = { ...makeSpec().family, folder };
  return { folder, store, observed, family, activities: createReleaseActivities(deps), metrics: deps.metrics };
}

describe('findReleases', () => {
  it('finds in family order what the lineage does not know yet', async () => {
    const { family, activities } = await setUp(['M10', 'M2', 'M1', 'notes'], ['M1']);
    const input = { lineage: 'tiny-sums', family };
    expect(await runActivity(activities.findReleases, input)).toEqual([
      { name: 'M2', position: [2] },
      { name: 'M10', position: [10] },
    ]);
  });

  it('finds a release announced by hand alone, known or not', async () => {
    const { family, activities } = await setUp(['M2', 'M1'], ['M1']);
    const input = { lineage: 'tiny-sums', family, only: 'M1' };
    expect(await runActivity(activities.findReleases, input)).toEqual([{ name: 'M1', position: [1] }]);
  });

  it('refuses one that the source does not have, and names those it has', async () => {
    const { family, activities } = await setUp(['M2', 'M1']);
    const input = { lineage: 'tiny-sums', family, only: 'M3' };
    await expect(runActivity(activities.findReleases, input)).rejects.toMatchObject({
      type: 'RELEASE_NOT_FOUND',
      nonRetryable: true,
      message: expect.stringContaining('found M1, M2.') as string,
    });
  });
});

describe('pinRelease', () => {
  it('copies the release: what happens to its folder afterwards changes nothing', async () => {
    const { folder, store, family, activities } = await setUp(['M1']);
    const input = { lineage: 'tiny-sums', family, name: 'M1', position: [1] };
    const pinned = await runActivity(activities.pinRelease, input);
    await appendFile(path.join(folder, 'M1', 'config.json'), ' ');
    await writeFile(path.join(folder, 'M1', 'model.safetensors'), '');
    expect(await readF32(await store.materialize(pinned.digest), NORM)).toEqual([1, 2]);
    expect(pinned).toMatchObject({ name: 'M1', position: [1], firstSeenAt: AT });
  });

  it('keeps the first pin of a name, though the folder has other weights by now or has gone', async () => {
    const { folder, family, activities } = await setUp(['M1']);
    const input = { lineage: 'tiny-sums', family, name: 'M1', position: [1] };
    const first = await runActivity(activities.pinRelease, input);
    await writeModelFolder(path.join(folder, 'M1'), singleFile(f32Tensor(NORM, [7, 7])));
    expect(await runActivity(activities.pinRelease, input)).toEqual(first);
    await rm(path.join(folder, 'M1'), { recursive: true });
    expect(await runActivity(activities.pinRelease, input)).toEqual(first);
  });

  it('can be tried again when the release has gone before it was pinned', async () => {
    const { family, activities } = await setUp([]);
    const input = { lineage: 'tiny-sums', family, name: 'M1', position: [1] };
    await expect(runActivity(activities.pinRelease, input)).rejects.toMatchObject({
      type: 'SOURCE_RELEASE_GONE',
      nonRetryable: false,
    });
  });
});

describe('announceRelease', () => {
  it('hands the release over and counts it', async () => {
    const { observed, activities, metrics } = await setUp([]);
    await runActivity(activities.announceRelease, { lineage: 'tiny-sums', release: makeRelease(1) });
    expect(observed).toEqual([makeRelease(1)]);
    expect(await metrics.exposition()).toMatch(/regraft_releases_observed_total\{lineage="tiny-sums"\} 1$/m);
  });
});
