import { appendFile, mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LineageDoor, ReleaseSource } from '../../activities/ports.ts';
import { createReleaseActivities } from '../../activities/release.ts';
import type { WatchInput } from '../../activities/release-pins.ts';
import { createReleaseSource } from '../../adapters/source/release-source.ts';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import { openFsWorkspace } from '../../adapters/workspace/fs-workspace.ts';
import type { FamilySpec } from '../../contracts/family.schema.ts';
import type { Release } from '../../contracts/release.ts';
import { createMetrics } from '../../metrics/registry.ts';
import { startHubDouble } from '../support/hub-double.ts';
import { AT, makeRelease, makeSpec } from '../support/lineage-values.ts';
import { runActivity } from '../support/run-activity.ts';
import { f32Tensor, readF32, singleFile, temporaryFolder, writeModelFolder } from '../support/safetensors.ts';

const NORM = 'model.norm.weight';
const LINEAGE = 'tiny-sums';

/** A model whose content this number is. */
const model = (value: number) => singleFile(f32Tensor(NORM, [value, 2]));

/** Real adapters over a family, and a door to a lineage that takes what it is handed as the real one does. */
async function setUp(family: FamilySpec, source: ReleaseSource) {
  const root = await temporaryFolder();
  const taken: Release[] = [];
  const log: string[] = [];
  const asked = { times: 0 };
  const door: LineageDoor = {
    knownReleases: async () => {
      asked.times += 1;
      return taken;
    },
    observeRelease: async (_lineage, release) => {
      if (taken.some(({ name, digest }) => name === release.name || digest === release.digest)) return 'known';
      taken.push(release);
      return 'queued';
    },
    noteTrouble: async (_lineage, { what }) => void log.push(what),
    announceCheckpoint: async () => undefined,
  };
  const store = createFsArtifactStore(path.join(root, 'store'));
  const workspace = await openFsWorkspace(path.join(root, 'work'));
  const clock = { now: () => new Date(AT), sleep: async () => undefined };
  const metrics = createMetrics();
  const activities = createReleaseActivities({ store, source, workspace, door, clock, metrics });
  const input = { lineage: LINEAGE, family };
  return {
    ...{ store, taken, log, asked, activities, input, metrics },
    find: async (more: Partial<WatchInput> = {}) => {
      const found = await runActivity(activities.findReleases, { ...input, ...more });
      return found.map(({ name }) => name);
    },
    /** What `watchFamily` does. */
    watch: async (more: Partial<WatchInput> = {}) => {
      const handed: string[] = [];
      for (const release of await runActivity(activities.findReleases, { ...input, ...more })) {
        const pinned = await runActivity(activities.pinRelease, { ...input, ...release });
        const withheld = await runActivity(activities.announceRelease, { lineage: LINEAGE, release: pinned });
        if (withheld === undefined) handed.push(release.name);
      }
      return handed;
    },
  };
}

/** A family that is a folder with these releases, each of a content of its own. */
async function inFolder(names: readonly string[], more: Partial<FamilySpec> = {}) {
  const folder = path.join(await temporaryFolder(), 'family');
  const drop = (name: string, value: number) => writeModelFolder(path.join(folder, name), model(value));
  for (const [index, name] of names.entries()) await drop(name, index + 1);
  const source = createReleaseSource({ hub: { endpoint: 'http://127.0.0.1:9', token: null }, forcePathStyle: false });
  const family = { ...makeSpec().family, folder, ...more };
  return { folder, drop, ...(await setUp(family, source)) };
}

/** A family that is the revisions of a repo on the Hub. */
async function onHub(more: Partial<FamilySpec> = {}) {
  const hub = await startHubDouble({ folder: path.join(await temporaryFolder(), 'hub') });
  onTestFinished(() => hub.stop());
  await hub.createRepo('acme/base');
  const drop = async (name: string, value: number) => {
    const folder = await writeModelFolder(path.join(await temporaryFolder(), 'model'), model(value));
    return hub.commitFolder('acme/base', folder, { branch: name });
  };
  const family: FamilySpec = {
    hub: 'acme/base',
    revisions: 'M{release}',
    order: ['release'],
    pollEvery: '1m',
    ...more,
  };
  const source = createReleaseSource({ hub: { endpoint: hub.url, token: null }, forcePathStyle: false });
  return { hub, drop, ...(await setUp(family, source)) };
}

describe('findReleases', () => {
  it('finds in family order what the lineage does not know yet', async () => {
    const { activities, input, taken } = await inFolder(['M10', 'M2', 'M1', 'notes']);
    taken.push(makeRelease(1));
    expect(await runActivity(activities.findReleases, input)).toMatchObject([
      { name: 'M2', position: [2] },
      { name: 'M10', position: [10] },
    ]);
  });

  it('finds a release announced by hand alone, known or not', async () => {
    const { find, taken } = await inFolder(['M2', 'M1']);
    taken.push(makeRelease(1));
    expect(await find({ only: 'M1' })).toEqual(['M1']);
  });

  it('refuses one that the source does not have, and names those it has', async () => {
    const { find } = await inFolder(['M2', 'M1']);
    await expect(find({ only: 'M3' })).rejects.toMatchObject({
      type: 'RELEASE_NOT_FOUND',
      nonRetryable: true,
      message: expect.stringContaining('found M1, M2.') as string,
    });
  });

  it('refuses one that is not whole yet, and says what it lacks', async () => {
    const { find, folder } = await inFolder(['M1']);
    await rm(path.join(folder, 'M1', 'config.json'));
    expect(await find()).toEqual([]);
    await expect(find({ only: 'M1' })).rejects.toMatchObject({
      type: 'RELEASE_INCOMPLETE',
      message: expect.stringMatching(/^Release M1 of lineage tiny-sums is not yet a release: .*config\.json/) as string,
    });
  });

  it('looks at fifty at a time, and finds the rest the next time', async () => {
    const { find, watch, drop } = await inFolder([]);
    for (let release = 60; release > 0; release -= 1) await drop(`M${String(release)}`, release);
    expect((await find()).at(-1)).toBe('M50');
    await watch();
    expect(await find()).toEqual(Array.from({ length: 10 }, (_, index) => `M${String(index + 51)}`));
  });

  it('takes from `since` on, and the past when it is asked for', async () => {
    const { find } = await inFolder(['M1', 'M2', 'M3'], { since: 'M2' });
    expect(await find()).toEqual(['M2', 'M3']);
    expect(await find({ backfill: {} })).toEqual(['M1', 'M2', 'M3']);
    expect(await find({ backfill: { to: 'M2', after: { name: 'M1', position: [1] } } })).toEqual(['M2']);
    await expect(find({ backfill: { from: 'first' } })).rejects.toMatchObject({ type: 'FAMILY_SINCE_INVALID' });
  });
});

describe('pinRelease', () => {
  const pinM1 = { name: 'M1', position: [1] };

  it('copies the release: what happens to its folder afterwards changes nothing', async () => {
    const { folder, store, input, activities } = await inFolder(['M1']);
    const pinned = await runActivity(activities.pinRelease, { ...input, ...pinM1 });
    await appendFile(path.join(folder, 'M1', 'config.json'), ' ');
    await writeFile(path.join(folder, 'M1', 'model.safetensors'), '');
    expect(await readF32(await store.materialize(pinned.digest), NORM)).toEqual([1, 2]);
    expect(pinned).toMatchObject({ name: 'M1', position: [1], firstSeenAt: AT });
  });

  it('keeps the first pin of a name, though the folder has other weights by now or has gone', async () => {
    const { folder, drop, input, activities } = await inFolder(['M1']);
    const first = await runActivity(activities.pinRelease, { ...input, ...pinM1 });
    await drop('M1', 7);
    expect(await runActivity(activities.pinRelease, { ...input, ...pinM1 })).toEqual(first);
    await rm(path.join(folder, 'M1'), { recursive: true });
    expect(await runActivity(activities.pinRelease, { ...input, ...pinM1 })).toEqual(first);
  });

  it('can be tried again when the release has gone before it was pinned', async () => {
    const { input, activities } = await inFolder([]);
    await expect(runActivity(activities.pinRelease, { ...input, ...pinM1 })).rejects.toMatchObject({
      type: 'SOURCE_RELEASE_GONE',
      nonRetryable: false,
    });
  });

  it('takes from the Hub the commit that was found, though the branch has moved since', async () => {
    const { drop, store, input, activities } = await onHub();
    const commit = await drop('M1', 1);
    const [found] = await runActivity(activities.findReleases, input);
    await drop('M1', 9);
    const pinned = await runActivity(activities.pinRelease, { ...input, ...pinM1, ...found });
    expect(pinned).toMatchObject({ commit, uri: `hub://acme/base@${commit}` });
    expect(await readF32(await store.materialize(pinned.digest), NORM)).toEqual([1, 2]);
  });

  it('does not take what changes while it is copied', async () => {
    const { folder, input } = await inFolder(['M1']);
    const source = createReleaseSource({ hub: { endpoint: 'http://127.0.0.1:9', token: null }, forcePathStyle: false });
    const racing: ReleaseSource = {
      ...source,
      open: async (asked) => {
        const opened = await source.open(asked);
        await utimes(path.join(folder, 'M1', 'config.json'), 1, 1);
        return opened;
      },
    };
    const { activities } = await setUp(input.family, racing);
    await expect(runActivity(activities.pinRelease, { ...input, ...pinM1 })).rejects.toMatchObject({
      type: 'SOURCE_RELEASE_CHANGING',
      nonRetryable: false,
    });
  });
});

describe('announceRelease', () => {
  it('hands the release over and counts it', async () => {
    const { taken, activities, metrics } = await inFolder([]);
    await runActivity(activities.announceRelease, { lineage: LINEAGE, release: makeRelease(1) });
    expect(taken).toEqual([makeRelease(1)]);
    expect(await metrics.exposition()).toMatch(/regraft_releases_observed_total\{lineage="tiny-sums"\} 1$/m);
    await runActivity(activities.announceRelease, { lineage: LINEAGE, release: makeRelease(1) });
    expect(await metrics.exposition()).toMatch(/regraft_releases_observed_total\{lineage="tiny-sums"\} 1$/m);
  });

  it('asks the lineage what it has once a look, however many it hands over', async () => {
    const { asked, watch } = await inFolder(['M1', 'M2', 'M3']);
    expect(await watch()).toEqual(['M1', 'M2', 'M3']);
    expect(asked.times).toBe(1);
  });

  it('hands one content over once, also when two names of it come at the same time', async () => {
    const { taken, log, activities } = await inFolder([]);
    const twins = ['M1', 'M7'].map((name) => ({ ...makeRelease(1), name }));
    const told = await Promise.all(
      twins.map((release) => runActivity(activities.announceRelease, { lineage: LINEAGE, release })),
    );
    const [winner = ''] = taken.map(({ name }) => name);
    const loser = winner === 'M1' ? 'M7' : 'M1';
    expect(taken).toHaveLength(1);
    expect(told.filter((withheld) => withheld !== undefined)).toEqual([{ sameAs: winner }]);
    expect(log).toEqual([`renamed release ${loser}`]);
  });
});

describe('a release is taken in once, whichever way it comes: from a folder,', () => {
  it('twice', async () => {
    const { watch, find, taken } = await inFolder(['M1', 'M2']);
    expect(await watch()).toEqual(['M1', 'M2']);
    expect([await watch(), await find()]).toEqual([[], []]);
    await watch({ only: 'M1' });
    expect(taken.map(({ name }) => name)).toEqual(['M1', 'M2']);
  });

  it('late, and half-written at first', async () => {
    const { watch, drop, folder } = await inFolder(['M1', 'M3']);
    await mkdir(path.join(folder, 'M2'));
    await writeFile(path.join(folder, 'M2', 'config.json'), '{"architectures": ["LlamaForCausalLM"]}');
    expect(await watch()).toEqual(['M1', 'M3']);
    await drop('M2', 20);
    expect(await watch()).toEqual(['M2']);
  });

  it('though another one looks like it and was written in the same moment', async () => {
    const { watch, folder } = await inFolder(['M1', 'M2']);
    for (const release of ['M1', 'M2'])
      for (const file of ['config.json', 'model.safetensors']) await utimes(path.join(folder, release, file), 1, 1);
    expect(await watch()).toEqual(['M1', 'M2']);
  });

  it('under a new name, whether it was moved or copied, and is noted once', async () => {
    const { watch, find, drop, folder, log, taken } = await inFolder(['M1', 'M2']);
    await watch();
    await rename(path.join(folder, 'M1'), path.join(folder, 'M7'));
    await drop('M8', 2);
    expect([await watch(), await watch(), await watch()]).toEqual([[], [], []]);
    expect(log).toEqual(['renamed release M7', 'renamed release M8']);
    expect(await find()).toEqual([]); // not fetched and compared again at every look
    expect(taken.map(({ name }) => name)).toEqual(['M1', 'M2']);
  });

  it('vanished, and back again', async () => {
    const { watch, folder, log } = await inFolder(['M1', 'M2']);
    await watch();
    await rename(path.join(folder, 'M1'), path.join(folder, '.M1'));
    expect(await watch()).toEqual([]);
    await rename(path.join(folder, '.M1'), path.join(folder, 'M1'));
    expect([await watch(), log]).toEqual([[], []]);
  });

  it('changed under its name: an alarm, once for each change', async () => {
    const { watch, drop, log, taken } = await inFolder(['M1']);
    await watch();
    const [pinned] = taken;
    await drop('M1', 5);
    expect([await watch(), await watch()]).toEqual([[], []]);
    expect(log).toEqual(['moved release M1']);
    expect(taken).toEqual([pinned]);
  });

  it('changed under its name: a release of its own, where that is declared, and none where only the times changed', async () => {
    const { watch, find, drop, folder, log, taken } = await inFolder(['M1', 'M2'], { moved: 'release' });
    await watch();
    await utimes(path.join(folder, 'M2', 'config.json'), 1, 1);
    expect([await watch(), await watch()]).toEqual([[], []]);
    expect(log).toEqual([expect.stringMatching(/^renamed release M2@[0-9a-f]{12}$/)]);
    expect(await find()).toEqual([]);
    await drop('M1', 5);
    const moved = await watch();
    expect(moved).toEqual([expect.stringMatching(/^M1@[0-9a-f]{12}$/)]);
    expect(await watch()).toEqual([]);
    expect(taken.at(-1)).toMatchObject({ name: moved[0], position: [1, 1] });
  });
});

describe('a release is taken in once, whichever way it comes: from the Hub,', () => {
  it('as a branch, a tag, and a tag of the same commit', async () => {
    const { hub, watch, drop, log, taken } = await onHub();
    const commit = await drop('M1', 1);
    await hub.tag('acme/base', 'M1', commit);
    await hub.tag('acme/base', 'M2', commit);
    expect([await watch(), await watch()]).toEqual([['M1'], []]);
    expect(log).toEqual(['renamed release M2']);
    expect(taken).toMatchObject([{ name: 'M1', commit }]);
  });

  it('moved: an alarm, once, and none for a new model card', async () => {
    const { hub, watch, drop, log, store, taken } = await onHub();
    await drop('M1', 1);
    await watch();
    await hub.commit('acme/base', { 'README.md': 'better words' }, { branch: 'M1' });
    expect([await watch(), log]).toEqual([[], []]);
    await drop('M1', 5);
    expect([await watch(), await watch(), log]).toEqual([[], [], ['moved release M1']]);
    expect(await readF32(await store.materialize(taken[0]?.digest ?? ''), NORM)).toEqual([1, 2]);
    await drop('M1', 6);
    expect([await watch(), log]).toEqual([[], ['moved release M1', 'moved release M1']]);
  });

  it('moved: a release of its own, exactly once, and nothing when the branch goes back', async () => {
    const { hub, watch, drop, store, taken } = await onHub({ moved: 'release' });
    const first = await drop('M1', 1);
    await drop('M2', 2);
    await watch();
    const second = await drop('M1', 5);
    const name = `M1@${second.slice(0, 12)}`;
    expect([await watch(), await watch()]).toEqual([[name], []]);
    await hub.moveBranch('acme/base', 'M1', first);
    expect(await watch()).toEqual([]);
    await hub.moveBranch('acme/base', 'M1', second);
    expect(await watch()).toEqual([]);
    const third = await drop('M1', 6);
    expect(await watch()).toEqual([`M1@${third.slice(0, 12)}`]);
    expect(taken.slice(2).map(({ position, commit }) => [position, commit])).toEqual([
      [[1, 1], second],
      [[1, 2], third],
    ]);
    expect(await readF32(await store.materialize(taken[2]?.digest ?? ''), NORM)).toEqual([5, 2]);
  });

  it('late and half-uploaded, and not any more when the branch has gone', async () => {
    const { hub, watch, drop } = await onHub();
    await hub.commit('acme/base', { 'config.json': '{}' }, { branch: 'M2' });
    await drop('M3', 3);
    expect(await watch()).toEqual(['M3']);
    await drop('M2', 2);
    expect(await watch()).toEqual(['M2']);
    await hub.deleteBranch('acme/base', 'M2');
    expect(await watch()).toEqual([]);
  });
});
