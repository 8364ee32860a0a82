import { mkdir, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
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

describe('a family that is a folder', () => {
  it('lists every complete model, in one file or in shards, and follows links to folders', async () => {
    const root = await temporaryFolder();
    const folder = path.join(root, 'family');
    await writeModelFolder(path.join(folder, 'M1'), single);
    await writeModelFolder(path.join(folder, 'M2'), sharded);
    await symlink(await writeModelFolder(path.join(root, 'elsewhere'), single), path.join(folder, 'M3'));
    expect([...(await source.list(familyIn(folder)))].sort()).toEqual(['M1', 'M2', 'M3']);
  });

  it('is empty while it does not exist yet', async () => {
    expect(await source.list(familyIn(path.join(await temporaryFolder(), 'not', 'yet')))).toEqual([]);
  });

  it('leaves out hidden folders, files, empty folders and links to nowhere', async () => {
    const folder = await temporaryFolder();
    await writeModelFolder(path.join(folder, '.M1'), single);
    await writeFile(path.join(folder, 'M2'), '');
    await mkdir(path.join(folder, 'M3'));
    await symlink(path.join(folder, 'nowhere'), path.join(folder, 'M4'));
    expect(await source.list(familyIn(folder))).toEqual([]);
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
    expect(await source.list(familyIn(folder))).toEqual([]);
    await writeModelFolder(release, model);
    expect(await source.list(familyIn(folder))).toEqual(['M1']);
  });

  it('opens a release at its address', async () => {
    const folder = await temporaryFolder();
    const release = await writeModelFolder(path.join(folder, 'M 1'), { ...single, config: llamaConfig() });
    expect(await source.open(familyIn(folder), 'M 1')).toEqual({ folder: release, uri: pathToFileURL(release).href });
  });

  it('says that a release has gone, and that it may come back', async () => {
    const folder = await temporaryFolder();
    const release = await writeModelFolder(path.join(folder, 'M1'), single);
    await rename(release, path.join(folder, '.M1'));
    await expect(source.open(familyIn(folder), 'M1')).rejects.toThrow(
      expect.objectContaining({
        code: 'SOURCE_RELEASE_GONE',
        retryable: true,
        message: `Release M1: ${release} is no complete model folder any more; put it back, or leave it out for good.`,
      }) as Error,
    );
  });
});

async function truncateBy(file: string, bytes: number): Promise<void> {
  await truncate(file, (await stat(file)).size - bytes);
}
