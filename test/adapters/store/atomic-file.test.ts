import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFileAtomic, isErrno, writeFileAtomic } from '../../../adapters/store/atomic-file.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

describe('writeFileAtomic', () => {
  it('makes folders, replaces what was there, and leaves nothing beside it', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'a', 'b.json');
    await writeFileAtomic(file, 'one');
    await writeFileAtomic(file, 'two');
    expect(await readFile(file, 'utf8')).toBe('two');
    expect(await readdir(path.dirname(file))).toEqual(['b.json']);
  });

  it('never shows a reader half of it', async () => {
    const file = path.join(await temporaryFolder(), 'file');
    const texts = Array.from({ length: 40 }, (_, index) => String(index % 10).repeat(200_000));
    await writeFileAtomic(file, texts[0] ?? '');
    const writing = Promise.all(texts.map((text) => writeFileAtomic(file, text)));
    for (let look = 0; look < 40; look += 1) expect(texts).toContain(await readFile(file, 'utf8'));
    await writing;
  });
});

describe('createFileAtomic', () => {
  it('lets exactly one of twenty create a file, and leaves nothing beside it', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'file');
    const texts = Array.from({ length: 20 }, (_, index) => String(index));
    const created = await Promise.all(texts.map((text) => createFileAtomic(file, text)));
    expect(created.filter(Boolean)).toHaveLength(1);
    expect(await readFile(file, 'utf8')).toBe(texts[created.indexOf(true)]);
    expect(await readdir(folder)).toEqual(['file']);
  });
});

describe('isErrno', () => {
  it('knows a file-system error by its code', async () => {
    const error = await mkdir(await temporaryFolder()).catch((caught: unknown) => caught);
    expect([isErrno(error, 'EEXIST'), isErrno(error, 'ENOENT'), isErrno('EEXIST', 'EEXIST')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
