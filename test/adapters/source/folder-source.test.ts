import { mkdir, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { OpenedRelease } from '../../../activities/ports.ts';
import { createFolderSource } from '../../../adapters/source/folder-source.ts';
import { makeSpec } from '../../support/lineage-values.ts';
import {
  f32Tensor,
  llamaConfig,
  singleFile,
  temporaryFolder,
  writeModelFolder,
  type FixtureModel,
} from '../../support/safetensors.ts';

const source = createFolderSource();
const single = singleFile(f32Tensor('model.norm.weight', [1, 2, 3]));
const sharded: FixtureModel = {
  shards: {
    'model-00001-of-00002.safetensors': [f32Tensor('model.norm.weight', [1])],
    'model-00002-of-00002.safetensors': [f32Tensor('lm_head.weight', [2])],
  },
};

const familyIn = (folder: string): ReturnType<typeof makeSpec>['family'] => ({ ...makeSpec().family, folder });
const { signal } = new AbortController();

/** What is listed and whole, as the watch asks for it. */
async function wholeIn(folder: string): Promise<readonly string[]> {
  const family = familyIn(folder);
  const { releases } = await source.list(family, signal);
  const looks = await Promise.all(releases.map((release) => source.look(family, release, signal)));
  return releases.flatMap(({ name }, index) => (looks[index]?.kind === 'complete' ? [name] : [])).sort();
}

async function openIn(folder: string, name: string): Promise<OpenedRelease> {
  const release = { name, version: '' };
  return source.open({ family: familyIn(folder), release, into: '/nowhere', signal, onProgress: () => undefined });
}

describe('a family that is a folder', () => {
  it('lists every complete model, in one file or in shards, and follows links to folders', async () => {
    const root = await temporaryFolder();
    const folder = path.join(root, 'family');
    await writeModelFolder(path.join(folder, 'M1'), single);
    await writeModelFolder(path.join(folder, 'M2'), sharded);
    await symlink(await writeModelFolder(path.join(root, 'elsewhere'), single), path.join(folder, 'M3'));
    expect(await wholeIn(folder)).toEqual(['M1', 'M2', 'M3']);
  });

  it('is empty while it does not exist yet', async () => {
    expect(await wholeIn(path.join(await temporaryFolder(), 'not', 'yet'))).toEqual([]);
  });

  it('leaves out hidden folders, files, empty folders and links to nowhere', async () => {
    const folder = await temporaryFolder();
    await writeModelFolder(path.join(folder, '.M1'), single);
    await writeFile(path.join(folder, 'M2'), '');
    await mkdir(path.join(folder, 'M3'));
    await symlink(path.join(folder, 'nowhere'), path.join(folder, 'M4'));
    expect(await wholeIn(folder)).toEqual([]);
  });

  it.each([
    ['without its config', single, (at: string) => rm(path.join(at, 'config.json'))],
    ['with half a config', single, (at: string) => writeFile(path.join(at, 'config.json'), '{"architectures":["Ll')],
    ['without weights', single, (at: string) => rm(path.join(at, 'model.safetensors'))],
    ['with weights cut off in the header', single, (at: string) => truncate(path.join(at, 'model.safetensors'), 20)],
    ['with weights a byte short', single, (at: string) => truncateBy(path.join(at, 'model.safetensors'), 1)],
    [
      'without a shard that its index names',
      sharded,
      (at: string) => rm(path.join(at, 'model-00002-of-00002.safetensors')),
    ],
    [
      'with a shard cut short',
      sharded,
      (at: string) => truncateBy(path.join(at, 'model-00002-of-00002.safetensors'), 2),
    ],
    ['without its index', sharded, (at: string) => rm(path.join(at, 'model.safetensors.index.json'))],
  ])('leaves out a model %s, until it is whole', async (_claim, model, damage) => {
    const folder = await temporaryFolder();
    const release = await writeModelFolder(path.join(folder, 'M1'), model);
    await damage(release);
    expect(await wholeIn(folder)).toEqual([]);
    await writeModelFolder(release, model);
    expect(await wholeIn(folder)).toEqual(['M1']);
  });

  it('opens a release at its address', async () => {
    const folder = await temporaryFolder();
    const release = await writeModelFolder(path.join(folder, 'M 1'), { ...single, config: llamaConfig() });
    expect(await openIn(folder, 'M 1')).toMatchObject({
      folder: release,
      uri: pathToFileURL(release).href,
      take: 'copy',
    });
  });

  it('says that a release has gone, and that it may come back', async () => {
    const folder = await temporaryFolder();
    const release = await writeModelFolder(path.join(folder, 'M1'), single);
    await rename(release, path.join(folder, '.M1'));
    await expect(openIn(folder, 'M1')).rejects.toThrow(
      expect.objectContaining({
        code: 'SOURCE_RELEASE_GONE',
        retryable: true,
        message: `Release M1: ${release} is no complete model folder any more; put it back, or leave it out for good.`,
      }) as Error,
    );
  });
});

describe('the version of a release in a folder', () => {
  it('changes with its name, and the size and time of a model file, and with nothing else', async () => {
    const folder = await temporaryFolder();
    const release = await writeModelFolder(path.join(folder, 'M1'), { ...single, config: llamaConfig() });
    const versionOf = async (name: string): Promise<string | undefined> =>
      (await source.list(familyIn(folder), signal)).releases.find((one) => one.name === name)?.version;
    const first = await versionOf('M1');
    await writeFile(path.join(release, 'README.md'), 'read me');
    expect(await versionOf('M1')).toBe(first);
    await rename(release, path.join(folder, 'M7'));
    const renamed = await versionOf('M7');
    expect(renamed).not.toBe(first);
    await utimes(path.join(folder, 'M7', 'config.json'), 1, 1);
    const touched = await versionOf('M7');
    expect(touched).not.toBe(renamed);
    await writeFile(path.join(folder, 'M7', 'tokenizer.json'), '{}');
    expect(await versionOf('M7')).not.toBe(touched);
  });

  it('comes with what is in the release, before anything is copied', async () => {
    const folder = await temporaryFolder();
    await writeModelFolder(path.join(folder, 'M1'), single);
    const look = await source.look(familyIn(folder), { name: 'M1', version: '' }, signal);
    expect(look).toMatchObject({ kind: 'complete', parameterCount: 3, problems: [] });
    await rm(path.join(folder, 'M1', 'config.json'));
    expect(await source.look(familyIn(folder), { name: 'M1', version: '' }, signal)).toMatchObject({
      kind: 'incomplete',
      why: expect.stringContaining('config.json') as string,
    });
  });
});

async function truncateBy(file: string, bytes: number): Promise<void> {
  await truncate(file, (await stat(file)).size - bytes);
}
