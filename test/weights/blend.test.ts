import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blend } from '../../weights/index.ts';
import {
  bitsTensor,
  f32Tensor,
  llamaConfig,
  readF32,
  readTensorBytes,
  singleFile,
  temporaryFolder,
  tokenizerJson,
  writeModelFolder,
  type FixtureModel,
} from '../support/safetensors.ts';

const EMBED = 'model.embed_tokens.weight';
const ONE = [0.1, -3.7, 1e-3, -0].map(Math.fround);
const OTHER = [0.7, 2.9, -1e3, 5].map(Math.fround);

const model = (values: readonly number[]): FixtureModel => singleFile(f32Tensor('x', values));

async function write(one: FixtureModel, other: FixtureModel): Promise<{ one: string; other: string; out: string }> {
  const root = await temporaryFolder();
  return {
    one: await writeModelFolder(join(root, 'one'), one),
    other: await writeModelFolder(join(root, 'other'), other),
    out: join(root, 'out'),
  };
}

describe('blend', () => {
  it.each([0.5, 2, -1, 0.1])('is (1 − t)·one + t·other, rounded once, for t = %d', async (weight) => {
    const folders = await write(model(ONE), model(OTHER));
    await blend({ ...folders, weight });
    const expected = ONE.map((value, i) => Math.fround((1 - weight) * value + weight * (OTHER[i] ?? NaN)));
    expect(await readF32(folders.out, 'x')).toEqual(expected);
  });

  it('is the one at 0 and the other at 1', async () => {
    const folders = await write(model(ONE), model(OTHER));
    for (const [weight, expected] of [
      [0, ONE],
      [1, OTHER],
    ] as const) {
      const out = `${folders.out}-${String(weight)}`;
      await blend({ ...folders, weight, out });
      const found = await readF32(out, 'x');
      expect(found.map((value) => value + 0)).toEqual(expected.map((value) => value + 0)); // a zero is a zero
    }
  });

  it('has the dtypes, files and tokenizer rules of the one', async () => {
    const config = llamaConfig({ rope_theta: 7 });
    const folders = await write(
      { ...singleFile(bitsTensor('x', 'BF16', [0x3f80])), config, files: { 'generation_config.json': '{"top_k":1}' } },
      { shards: { 'y.safetensors': [f32Tensor('x', [2])] }, files: { 'generation_config.json': '{"top_k":2}' } },
    );
    await blend({ ...folders, weight: 0.5 });
    expect((await readdir(folders.out)).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'regraft.json',
    ]);
    expect((await readTensorBytes(folders.out)).get('x')).toEqual(new Uint8Array([0xc0, 0x3f])); // 1.5
    expect(await readFile(join(folders.out, 'generation_config.json'), 'utf8')).toBe('{"top_k":1}');
    expect(JSON.parse(await readFile(join(folders.out, 'config.json'), 'utf8'))).toEqual(config);
  });

  it.each([
    ['another token', { a: 0, c: 1 }, [2, 1]],
    ['the same tokens at other rows', { a: 1, b: 0 }, [2, 1]],
    ['a token more', { a: 0, b: 1, c: 2 }, [3, 1]],
  ] as const)('refuses a vocabulary with %s', async (_name, tokens, shape) => {
    const of = (map: Readonly<Record<string, number>>, size: readonly number[]): FixtureModel => ({
      ...singleFile(f32Tensor(EMBED, new Array<number>(size[0] ?? 0).fill(1), size)),
      files: { 'tokenizer.json': tokenizerJson(map) },
    });
    const folders = await write(of({ a: 0, b: 1 }, [2, 1]), of(tokens, shape));
    await expect(blend({ ...folders, weight: 0.5 })).rejects.toMatchObject({
      code: 'WEIGHTS_INCOMPATIBLE',
      problems: [{ code: 'WEIGHTS_VOCABULARY_MISMATCH' }],
    });
    expect((await readdir(join(folders.out, '..'))).sort()).toEqual(['one', 'other']);
  });

  it.each([NaN, Infinity, -Infinity])('refuses the weight %d', async (weight) => {
    const folders = await write(model(ONE), model(OTHER));
    await expect(blend({ ...folders, weight })).rejects.toMatchObject({ code: 'WEIGHTS_ARGUMENT_INVALID' });
  });
});
