import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readProcessIdentity } from '../../../adapters/process/process-identity.ts';
import { openFsWorkspace } from '../../../adapters/workspace/fs-workspace.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

describe('a workspace', () => {
  it('sweeps the scratch of a process that has gone, and leaves that of one that lives', async () => {
    const root = await temporaryFolder();
    const child = spawn('sleep', ['60']);
    onTestFinished(() => void child.kill('SIGKILL'));
    const { pid, startTicks, bootId } = await readProcessIdentity(child.pid ?? 0);
    const theirs = path.join(root, 'scratch', `${String(pid)}.${String(startTicks)}.${bootId}`);
    const half = path.join(theirs, 'recycle-abc', 'model.safetensors');
    await mkdir(path.dirname(half), { recursive: true });
    await writeFile(half, 'half');

    const mine = path.basename(path.dirname(await (await openFsWorkspace(root)).scratch('x')));
    expect((await readdir(path.join(root, 'scratch'))).sort()).toEqual([mine, path.basename(theirs)].sort());
    expect((await stat(half)).isFile()).toBe(true);

    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    await openFsWorkspace(root);
    expect(await readdir(path.join(root, 'scratch'))).toEqual([mine]);
  });

  it('sweeps the scratch of an earlier boot', async () => {
    const root = await temporaryFolder();
    const { pid, startTicks } = await readProcessIdentity(process.pid);
    const old = `${String(pid)}.${String(startTicks)}.00000000-0000-0000-0000-000000000000`;
    await mkdir(path.join(root, 'scratch', old), { recursive: true });
    await openFsWorkspace(root);
    expect(await readdir(path.join(root, 'scratch'))).not.toContain(old);
  });

  it('gives a scratch path that does not exist in a folder that does, another one every time', async () => {
    const workspace = await openFsWorkspace(await temporaryFolder());
    const [first, second] = [await workspace.scratch('recycle'), await workspace.scratch('recycle')];
    expect(first).not.toBe(second);
    expect((await stat(path.dirname(first))).isDirectory()).toBe(true);
    await expect(stat(first)).rejects.toThrow('ENOENT');
  });

  it('gives a training the same folder every time, with what lies in it', async () => {
    const root = await temporaryFolder();
    const folder = await (await openFsWorkspace(root)).training('tiny/M1/plain-0123');
    await writeFile(path.join(folder, 'job.json'), '{}');
    expect(await (await openFsWorkspace(root)).training('tiny/M1/plain-0123')).toBe(folder);
    expect(await readdir(folder)).toEqual(['job.json']);
  });

  it.each(['tiny/../../../out', 'tiny/./M1', '..', 'a/b\\c/d e'])('keeps the training %j inside', async (key) => {
    const top = await temporaryFolder();
    const root = path.join(top, 'work');
    const folder = await (await openFsWorkspace(root)).training(key);
    expect(await readdir(top)).toEqual(['work']);
    expect(path.relative(path.join(root, 'training'), folder).split(path.sep)).toHaveLength(key.split('/').length);
    expect(folder.startsWith(path.join(root, 'training') + path.sep)).toBe(true);
  });

  it('removes a folder whole, and one that is not there as well', async () => {
    const workspace = await openFsWorkspace(await temporaryFolder());
    const scratch = await workspace.scratch('x');
    await workspace.remove(scratch);
    await mkdir(path.join(scratch, 'deep'), { recursive: true });
    await workspace.remove(scratch);
    await expect(stat(scratch)).rejects.toThrow('ENOENT');
  });
});
