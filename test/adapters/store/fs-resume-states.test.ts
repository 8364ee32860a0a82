import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFsResumeStates } from '../../../adapters/store/fs-resume-states.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const TRAINING = 'tiny-sums/M2/iterative-0123456789ab';

/** A checkpoint folder: path inside it -> text. */
async function checkpoint(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = path.join(await temporaryFolder(), 'checkpoint-50');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  return folder;
}

/** Path -> text of every file under a folder; none: there is no such folder. */
async function contentOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => path.join(parentPath, name));
  const texts = files.map(async (file) => [path.relative(folder, file), await readFile(file, 'utf8')] as const);
  return Object.fromEntries(await Promise.all(texts));
}

const FILES = { COMPLETE: '{}', 'optimizer.pt': 'o', 'global_step50/rank_0.pt': 'deep' };
const OTHERS = { COMPLETE: '{"other":1}', 'scheduler.pt': 's' };

describe('the full state of a checkpoint', () => {
  it('comes back as it was put, sub-folders included, also on another host', async () => {
    const root = await temporaryFolder();
    await createFsResumeStates(root).put(TRAINING, 'checkpoint-50-1', await checkpoint(FILES));
    const target = path.join(await temporaryFolder(), 'checkpoints', 'checkpoint-50');
    expect(await createFsResumeStates(root).fetch(TRAINING, 'checkpoint-50-1', target)).toBe(true);
    expect(await contentOf(target)).toEqual(FILES);
  });

  it('outlives the folder that it was put from, and takes no room of its own where it can be shared', async () => {
    const [root, source] = [await temporaryFolder(), await checkpoint(FILES)];
    await createFsResumeStates(root).put(TRAINING, 'a', source);
    expect((await stat(path.join(source, 'optimizer.pt'))).nlink).toBe(2);
    await rm(source, { recursive: true });
    const target = path.join(await temporaryFolder(), 'here');
    await createFsResumeStates(root).fetch(TRAINING, 'a', target);
    expect(await contentOf(target)).toEqual(FILES);
  });

  it('put twice is there once', async () => {
    const [root, source] = [await temporaryFolder(), await checkpoint(FILES)];
    const states = createFsResumeStates(root);
    await states.put(TRAINING, 'a', source);
    await states.put(TRAINING, 'a', source);
    expect(await readdir(path.join(root, TRAINING))).toEqual(['a']);
    expect(await contentOf(path.join(root, TRAINING, 'a'))).toEqual(FILES);
  });

  it('replaces whole what was there under its name, nothing of it stays', async () => {
    const states = createFsResumeStates(await temporaryFolder());
    await states.put(TRAINING, 'a', await checkpoint(FILES));
    await states.put(TRAINING, 'a', await checkpoint(OTHERS));
    const target = await checkpoint({ 'left-over.pt': 'from a torn checkpoint' });
    expect(await states.fetch(TRAINING, 'a', target)).toBe(true);
    expect(await states.fetch(TRAINING, 'a', target)).toBe(true);
    expect(await contentOf(target)).toEqual(OTHERS);
    expect(await readdir(path.dirname(target))).toEqual(['checkpoint-50']);
  });

  it('that is not kept is not fetched, and what is there stays', async () => {
    const states = createFsResumeStates(await temporaryFolder());
    const target = await checkpoint(FILES);
    expect(await states.fetch(TRAINING, 'a', target)).toBe(false);
    await states.put(TRAINING, 'a', await checkpoint(OTHERS));
    expect(await states.fetch('tiny-sums/M2/plain-0123456789ab', 'a', target)).toBe(false);
    expect(await contentOf(target)).toEqual(FILES);
  });

  it('is not there at all when it could not be put whole', async () => {
    const root = await temporaryFolder();
    const states = createFsResumeStates(root);
    await expect(states.put(TRAINING, 'a', path.join(root, 'no such folder'))).rejects.toThrow('ENOENT');
    expect(await readdir(path.join(root, TRAINING))).toEqual([]);
    expect(await states.fetch(TRAINING, 'a', path.join(root, 'target'))).toBe(false);
  });

  it('has what a link points to, not the link: on another host that leads nowhere', async () => {
    const [root, source] = [await temporaryFolder(), await checkpoint(FILES)];
    const outside = path.join(await temporaryFolder(), 'scheduler.pt');
    await writeFile(outside, 'outside');
    await symlink(outside, path.join(source, 'scheduler.pt'));
    await createFsResumeStates(root).put(TRAINING, 'a', source);
    await rm(outside);
    expect(await contentOf(path.join(root, TRAINING, 'a'))).toEqual({ ...FILES, 'scheduler.pt': 'outside' });
  });

  it('does not change with a file that is replaced in its folder later', async () => {
    const [root, source] = [await temporaryFolder(), await checkpoint(FILES)];
    await createFsResumeStates(root).put(TRAINING, 'a', source);
    await rm(path.join(source, 'optimizer.pt'));
    await writeFile(path.join(source, 'optimizer.pt'), 'another');
    expect(await contentOf(path.join(root, TRAINING, 'a'))).toEqual(FILES);
  });
});

describe('keeping only some', () => {
  it('removes the others of this training alone, what a killed put left included', async () => {
    const root = await temporaryFolder();
    const states = createFsResumeStates(root);
    const source = await checkpoint(FILES);
    for (const name of ['checkpoint-25-1', 'checkpoint-50-1', 'checkpoint-50-2'])
      await states.put(TRAINING, name, source);
    await states.put('tiny-sums/M2/plain-0123456789ab', 'checkpoint-25-1', source);
    await mkdir(path.join(root, TRAINING, '.partial-0123456789ab'));
    for (let times = 1; times <= 2; times += 1) {
      await states.keepOnly(TRAINING, new Set(['checkpoint-50-2', 'checkpoint-75-2']));
      expect(await readdir(path.join(root, TRAINING))).toEqual(['checkpoint-50-2']);
      expect(await readdir(path.join(root, 'tiny-sums/M2/plain-0123456789ab'))).toEqual(['checkpoint-25-1']);
    }
  });

  it('of none removes all, and does nothing for a training that never saved', async () => {
    const root = await temporaryFolder();
    const states = createFsResumeStates(root);
    await states.keepOnly(TRAINING, new Set());
    await states.put(TRAINING, 'a', await checkpoint(FILES));
    await states.keepOnly(TRAINING, new Set());
    expect(await readdir(path.join(root, TRAINING))).toEqual([]);
  });
});

describe('a name that climbs', () => {
  it.each([
    ['../../../outside', 'a'],
    ['..', '..'],
    [TRAINING, '../../../../outside'],
    [TRAINING, '..'],
    ['a/../../../b', '.'],
  ])('stays inside the store: training %s, name %s', async (training, name) => {
    const above = await temporaryFolder();
    const root = path.join(above, 'store');
    const states = createFsResumeStates(root);
    await states.put(training, name, await checkpoint(FILES));
    expect(await readdir(above)).toEqual(['store']);
    const target = path.join(await temporaryFolder(), 'target');
    expect(await states.fetch(training, name, target)).toBe(true);
    expect(await contentOf(target)).toEqual(FILES);
    await states.keepOnly(training, new Set([name]));
    expect(Object.keys(await contentOf(root))).toHaveLength(Object.keys(FILES).length);
    await states.keepOnly(training, new Set());
    expect(await contentOf(root)).toEqual({});
    expect(await readdir(above)).toEqual(['store']);
  });
});
