import { readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { takeFolderLock } from '../../weights/io/folder-lock.ts';
import { openOutputFolder } from '../../weights/io/output-folder.ts';
import { temporaryFolder } from '../support/safetensors.ts';

describe('the lock on an output folder', () => {
  it('of a process whose number another has now is taken over, and so is a damaged one', async () => {
    const root = await temporaryFolder();
    const path = join(root, 'out.partial.lock');
    const release = await takeFolderLock(path, 'out');
    const mine = JSON.parse(await readFile(path, 'utf8')) as { started: string };
    await expect(takeFolderLock(path, 'out')).rejects.toMatchObject({ code: 'WEIGHTS_OUTPUT_BUSY' });
    await release();
    const reused = JSON.stringify({ ...mine, started: 'long ago' });
    for (const text of [reused, '', '{"host"', 'null', '5', '{}', '[]']) {
      await writeFile(path, text);
      const taken = await takeFolderLock(path, 'out');
      expect(JSON.parse(await readFile(path, 'utf8')), text).toEqual(mine);
      await taken();
      expect(await readdir(root), text).toEqual([]);
    }
  });

  it('of a process on another machine is believed', async () => {
    const path = join(await temporaryFolder(), 'out.partial.lock');
    await writeFile(path, JSON.stringify({ host: `not-${hostname()}`, pid: process.pid, started: '' }));
    await expect(takeFolderLock(path, 'out')).rejects.toMatchObject({
      code: 'WEIGHTS_OUTPUT_BUSY',
      message: expect.stringContaining(path) as unknown,
    });
  });

  it('is held by one of many that ask at once', async () => {
    const root = await temporaryFolder();
    const path = join(root, 'out.partial.lock');
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => takeFolderLock(path, 'out')));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(root)).toEqual(['out.partial.lock']);
  });

  it('is given back once: a folder that has appeared lets nothing go that the next holder has', async () => {
    const out = join(await temporaryFolder(), 'out');
    const first = await openOutputFolder(out, 'plan');
    await first.publish([], { durable: true });
    const second = await openOutputFolder(out, 'plan');
    await second.writeFile('mine', new Uint8Array(1));
    await first.leave();
    await first.discard();
    expect(await readdir(second.partial)).toContain('mine');
    await expect(openOutputFolder(out, 'plan')).rejects.toMatchObject({ code: 'WEIGHTS_OUTPUT_BUSY' });
    await second.discard();
    expect(await readdir(dirname(out))).toEqual(['out']);
  });
});
