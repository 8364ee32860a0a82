import { link, mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ABANDONED_AFTER_MS, sweepUnfinished } from '../../../adapters/store/sweep-unfinished.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const KEPT = [
  ...['blobs/ab/abcd', 'records/ab/abcd.json', 'refs/work/@000001', 'work/scratch/1/out.partial/w.safetensors'],
  ...['training/.partial/attempt-1/w', 'M1.partial-notours/config.json', 'x.partial-0123456789abcd'],
];
const UNFINISHED = [
  ...['blobs/.incoming-0123456789abcdef', 'records/ab/abcd.json.partial-0123456789ab'],
  ...[
    'refs/work/@000002.partial-0123456789ab',
    'folders/abcd.partial-0123456789ab/deep/w',
    'versions/abcd.partial-0123456789ab-damaged/w',
    'trainings/a/.partial-0123456789ab/w',
  ],
];

async function makeStore(): Promise<string> {
  const root = await temporaryFolder();
  for (const file of [...KEPT, ...UNFINISHED]) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), 'text');
  }
  await symlink('blobs', path.join(root, '.current-0123456789ab'));
  await symlink('blobs', path.join(root, 'current'));
  return root;
}

async function filesIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => path.relative(root, path.join(entry.parentPath, entry.name))).sort();
}

describe('a sweep of what was left unfinished', () => {
  it('removes that, and nothing that is in its place or has another kind of name', async () => {
    const root = await makeStore();
    expect(await sweepUnfinished(root, 1_000, Date.now() + 5_000)).toBe(UNFINISHED.length + 1);
    expect(await filesIn(root)).toEqual([...KEPT, 'current'].sort());
    expect(await sweepUnfinished(root, 1_000, Date.now() + 5_000)).toBe(0);
  });

  it('leaves alone what somebody may be at', async () => {
    const root = await makeStore();
    const before = await filesIn(root);
    expect(await sweepUnfinished(root, ABANDONED_AFTER_MS, Date.now())).toBe(0);
    expect(await filesIn(root)).toEqual(before);
  });

  it('takes a hard link for as young as it is, however old its bytes are', async () => {
    const root = await temporaryFolder();
    const old = path.join(root, 'old');
    await writeFile(old, 'text');
    await utimes(old, 1, 1);
    await link(old, path.join(root, '.incoming-0123456789abcdef'));
    expect(await sweepUnfinished(root, 60_000, Date.now())).toBe(0);
  });

  it('finds nothing in a folder that is not there', async () => {
    expect(await sweepUnfinished('/nowhere/at/all', 0, Date.now())).toBe(0);
  });

  it('stops as soon as it is told to', async () => {
    const root = await makeStore();
    const before = await filesIn(root);
    const reason = new Error('stop');
    await expect(sweepUnfinished(root, 0, Date.now() + 5_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(await filesIn(root)).toEqual(before);
  });
});
