import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apply, diff, openDelta } from '../../weights/index.ts';
import {
  f32Tensor,
  readF32,
  temporaryFolder,
  tokenizerJson,
  writeModelFolder,
  singleFile,
  type FixtureModel,
} from '../support/safetensors.ts';

const EMBED = 'model.embed_tokens.weight';

/** One value a row. */
function model(values: readonly number[], tokens: readonly string[], added: readonly string[] = []): FixtureModel {
  const vocab = Object.fromEntries(tokens.map((token, row) => [token, row]));
  const special = added.map((content, i) => ({ id: tokens.length + i, content }));
  return {
    ...singleFile(f32Tensor(EMBED, values, [values.length, 1]), f32Tensor('x', [values[0] ?? 0])),
    files: { 'tokenizer.json': tokenizerJson(vocab, special) },
  };
}

/** Writes a delta for each of the fine-tunes of one base, and a target. */
async function writeDeltas(
  target: FixtureModel,
  base: FixtureModel,
  tuned: readonly FixtureModel[],
): Promise<{ root: string; target: string; out: string; deltas: readonly string[] }> {
  const root = await temporaryFolder();
  const parent = await writeModelFolder(join(root, 'base'), base);
  const deltas: string[] = [];
  for (const [index, one] of tuned.entries()) {
    const folder = await writeModelFolder(join(root, `tuned-${String(index)}`), one);
    const out = join(root, `delta-${String(index)}`);
    await diff({ tuned: folder, base: parent, out });
    deltas.push(out);
  }
  return { root, target: await writeModelFolder(join(root, 'target'), target), out: join(root, 'out'), deltas };
}

const at = (folders: readonly string[], ...scales: readonly number[]): { folder: string; scale: number }[] =>
  folders.map((folder, index) => ({ folder, scale: scales[index] ?? 1 }));

const BASE = model([10, 20], ['a', 'b']);
const TARGET = model([100, 200], ['a', 'b']);

describe('a delta whose fine-tune has tokens of its own', () => {
  it('stores differences where there are any, and the own rows as they are', async () => {
    const { deltas } = await writeDeltas(TARGET, BASE, [model([11, 23, 7], ['a', 'b'], ['<x>'])]);
    const { manifest, tensors } = await openDelta(deltas[0] ?? '');
    expect(manifest.introducedRows).toEqual([[2, 1]]);
    expect(tensors.get(EMBED)?.shape).toEqual([3, 1]);
  });

  it.each([0, 0.5, 2])('gives its own row whatever λ is: %d', async (scale) => {
    const { deltas, ...folders } = await writeDeltas(TARGET, BASE, [model([11, 23, 7], ['a', 'b'], ['<x>'])]);
    await apply({ ...folders, deltas: at(deltas, scale) });
    expect(await readF32(folders.out, EMBED)).toEqual([100 + scale, 200 + 3 * scale, 7]);
    expect(await readF32(folders.out, 'x')).toEqual([100 + scale]);
  });

  it('keeps the row of a token that target and fine-tune have and the base lacks', async () => {
    const target = model([100, 200, 300], ['a', 'b'], ['<x>']);
    const { deltas, ...folders } = await writeDeltas(target, BASE, [model([11, 23, 7], ['a', 'b'], ['<x>'])]);
    const report = await apply({ ...folders, deltas: at(deltas) });
    expect(await readF32(folders.out, EMBED)).toEqual([101, 203, 300]);
    expect(report.vocabulary).toMatchObject({ moved: 2, kept: 1, names: { kept: ['<x>'] } });
  });

  it('goes to a target that has its tokens at other rows', async () => {
    const target = model([200, 100], ['b', 'a']);
    const { deltas, ...folders } = await writeDeltas(target, BASE, [model([11, 23, 7], ['a', 'b'], ['<x>'])]);
    await apply({ ...folders, deltas: at(deltas) });
    expect((await readF32(folders.out, EMBED)).slice(0, 3)).toEqual([203, 101, 7]);
  });
});

describe('several deltas', () => {
  it('with one vocabulary are added row by row', async () => {
    const tuned = [model([11, 23], ['a', 'b']), model([14, 20], ['a', 'b'])];
    const { deltas, ...folders } = await writeDeltas(TARGET, BASE, tuned);
    await apply({ ...folders, deltas: at(deltas, 1, -2) });
    expect(await readF32(folders.out, EMBED)).toEqual([100 + 1 - 8, 200 + 3]);
  });

  it.each([
    ['another token of its own', model([14, 20, 9], ['a', 'b'], ['<y>'])],
    ['no token of its own', model([14, 20], ['a', 'b'])],
    ['more padding', model([14, 20, 9, 0], ['a', 'b'], ['<x>'])],
  ])('are refused where one has %s', async (_name, other) => {
    const { deltas, ...folders } = await writeDeltas(TARGET, BASE, [model([11, 23, 7], ['a', 'b'], ['<x>']), other]);
    await expect(apply({ ...folders, deltas: at(deltas) })).rejects.toMatchObject({
      code: 'WEIGHTS_INCOMPATIBLE',
      problems: [{ code: 'WEIGHTS_VOCABULARY_MISMATCH' }],
    });
    expect(await readdir(folders.root)).not.toContain('out');
  });

  it('are refused where one has a difference for a token, and another the row of it', async () => {
    const tuned = model([11, 23, 7], ['a', 'b'], ['<x>']);
    const { deltas, ...folders } = await writeDeltas(TARGET, BASE, [tuned]);
    const base = await writeModelFolder(join(folders.root, 'other'), model([10, 20, 5], ['a', 'b'], ['<x>']));
    const other = join(folders.root, 'delta-of-other');
    await diff({ tuned: join(folders.root, 'tuned-0'), base, out: other });
    await expect(apply({ ...folders, deltas: at([...deltas, other]) })).rejects.toMatchObject({
      problems: [{ code: 'WEIGHTS_VOCABULARY_MISMATCH' }],
    });
  });
});
