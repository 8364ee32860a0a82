import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createFsArtifactStore } from '../../../adapters/store/fs-artifact-store.ts';
import { digestOf } from '../../support/lineage-values.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const RACER = fileURLToPath(new URL('../../support/swap-ref-racer.ts', import.meta.url));
const [A, B, C] = [digestOf('a'), digestOf('b'), digestOf('c')];

describe('a ref', () => {
  it('is not set until it is swapped from nothing', async () => {
    const store = createFsArtifactStore(await temporaryFolder());
    expect(await store.readRef('published/tiny')).toBeNull();
    expect(await store.swapRef('published/tiny', null, A)).toEqual({ swapped: true, current: A });
    expect(await store.readRef('published/tiny')).toBe(A);
  });

  it('moves only from the value that stands, and tells which that is', async () => {
    const store = createFsArtifactStore(await temporaryFolder());
    await store.swapRef('r', null, A);
    expect(await store.swapRef('r', null, B)).toEqual({ swapped: false, current: A });
    expect(await store.swapRef('r', C, B)).toEqual({ swapped: false, current: A });
    expect(await store.swapRef('r', A, B)).toEqual({ swapped: true, current: B });
    expect(await store.swapRef('unset', A, B)).toEqual({ swapped: false, current: null });
    expect(await store.readRef('unset')).toBeNull();
  });

  it('keeps every earlier value', async () => {
    const root = await temporaryFolder();
    const store = createFsArtifactStore(root);
    await store.swapRef('r', null, A);
    await store.swapRef('r', A, B);
    await store.swapRef('r', B, A);
    const folder = path.join(root, 'refs', 'r');
    const generations = (await readdir(folder)).sort();
    expect(generations).toEqual(['@000001', '@000002', '@000003']);
    const values = await Promise.all(generations.map((name) => readFile(path.join(folder, name), 'utf8')));
    expect(values).toEqual([A, B, A]);
  });

  it.each([
    ['', 'a', 'b'],
    ['one inside the other', 'a', 'a/b'],
    ['one like a generation of the other', 'a', 'a/@000001'],
    ['one that climbs', 'a', 'x/../a'],
    ['one with a slash written as a code', 'a/b', 'a%2Fb'],
  ])('is apart from every other: %s', async (_claim, first, second) => {
    const store = createFsArtifactStore(await temporaryFolder());
    await store.swapRef(first, null, A);
    expect(await store.readRef(second)).toBeNull();
    await store.swapRef(second, null, B);
    expect([await store.readRef(first), await store.readRef(second)]).toEqual([A, B]);
  });

  it('never leaves the store, whatever its name', async () => {
    const top = await temporaryFolder();
    const store = createFsArtifactStore(path.join(top, 'store'));
    await store.swapRef('../../out', null, A);
    expect(await readdir(top)).toEqual(['store']);
    expect(await readdir(path.join(top, 'store'))).toEqual(['refs']);
  });

  it('is won by exactly one of twenty that swap at once, and all see the same winner', async () => {
    const root = await temporaryFolder();
    for (let round = 0; round < 10; round += 1) {
      const digests = Array.from({ length: 20 }, (_, index) => digestOf(String(index)));
      const name = `round/${String(round)}`;
      const ends = await Promise.all(digests.map((digest) => createFsArtifactStore(root).swapRef(name, null, digest)));
      const winners = ends.flatMap(({ swapped }, index) => (swapped ? [digests[index]] : []));
      expect(winners).toHaveLength(1);
      expect(ends.map(({ current }) => current)).toEqual(ends.map(() => winners[0]));
    }
  });

  it('loses no move and counts none twice when three processes fight over it', async () => {
    const root = await temporaryFolder();
    const run = (name: string): Promise<{ stdout: string }> =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', RACER, root, name, '40']);
    const ends = await Promise.all(['one', 'two', 'three'].map(run));
    const won = ends.map(({ stdout }) => Number(stdout));
    const generations = await readdir(path.join(root, 'refs', 'race'));
    expect(generations.filter((name) => name.startsWith('@') && !name.includes('partial'))).toHaveLength(
      won.reduce((sum, count) => sum + count, 0),
    );
    expect(generations.length).toBeGreaterThanOrEqual(40);
    expect(generations.every((name) => /^@[0-9]{6}$/.test(name))).toBe(true);
  });
});
