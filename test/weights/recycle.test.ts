import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apply, diff, openModel, recycle, type ApplyReport } from '../../weights/index.ts';
import {
  bitsTensor,
  f32Tensor,
  f64Tensor,
  llamaConfig,
  readF32,
  readTensorBytes,
  tokenizerJson,
  singleFile,
  writeTriple,
  type FixtureModel,
  type FixtureTensor,
  type ModelTriple,
} from '../support/safetensors.ts';

const PARENTS = { tuned: 'sha256:t', base: 'sha256:b' };
const EMBED = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
/** By way of a stored delta; same output folder as recycle. */
async function viaDelta({ root, target, tuned, base, out }: ModelTriple, scale: number): Promise<ApplyReport> {
  const delta = join(root, 'delta');
  await diff({ tuned, base, out: delta, parents: PARENTS, maxShardBytes: 24 });
  return await apply({ target, deltas: [{ folder: delta, scale }], out });
}

const fused = (folders: ModelTriple, scale: number): Promise<ApplyReport> => recycle({ ...folders, scale });
const WAYS = [['fused', fused] as const, ['by way of a delta', viaDelta] as const];

const finiteBits = (infinity: number): fc.Arbitrary<number> =>
  fc.integer({ min: 0, max: 0xffff }).filter((bits) => (bits & 0x7fff) < infinity);

describe.each(WAYS)('recycling, %s', (_way, run) => {
  it('with scale 0 gives the target byte for byte, header and −0 included', async () => {
    const bits = fc.array(finiteBits(0x7f00), { minLength: 6, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(bits, bits, bits, async (target, tuned, base) => {
        const model = (values: readonly number[]): FixtureModel =>
          singleFile(
            bitsTensor('x', 'BF16', [0x8000, ...values]),
            bitsTensor(
              'h',
              'F16',
              values.map((value) => value & 0x3fff),
            ),
          );
        const folders = await writeTriple({ target: model(target), tuned: model(tuned), base: model(base) });
        const report = await run(folders, 0);
        expect(report).toMatchObject({ parametersMoved: 0, parametersKept: 13 });
        const name = 'model.safetensors';
        expect(await readFile(join(folders.out, name))).toEqual(await readFile(join(folders.target, name)));
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  it('base + (tuned − base) is tuned, where the difference is exact in float32', async () => {
    const grid = fc.array(
      fc.integer({ min: -(2 ** 22), max: 2 ** 22 }).map((k) => k / 1024),
      { minLength: 8, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(grid, grid, async (tuned, base) => {
        const folders = await writeTriple({
          target: singleFile(f32Tensor('x', base)),
          tuned: singleFile(f32Tensor('x', tuned)),
          base: singleFile(f32Tensor('x', base)),
        });
        expect(await run(folders, 1)).toMatchObject({
          parametersMoved: 8,
          parametersKept: 0,
          tensors: 1,
          nonFinite: 0,
        });
        expect(await readF32(folders.out, 'x')).toEqual(tuned.map((value) => value + 0));
      }),
      { numRuns: 20, seed: 2 },
    );
  });

  it('base + (tuned − base) is tuned within one rounding of the largest operand, for any float32', async () => {
    const any = fc.array(
      fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e30), max: Math.fround(1e30) }),
      { minLength: 8, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(any, any, async (tuned, base) => {
        const folders = await writeTriple({
          target: singleFile(f32Tensor('x', base)),
          tuned: singleFile(f32Tensor('x', tuned)),
          base: singleFile(f32Tensor('x', base)),
        });
        await run(folders, 1);
        const out = await readF32(folders.out, 'x');
        tuned.forEach((value, i) => {
          const bound = Math.max(Math.abs(value), Math.abs(base[i] ?? 0), 2 ** -126) * 2 ** -23;
          expect(Math.abs((out[i] ?? NaN) - value)).toBeLessThanOrEqual(bound);
        });
      }),
      { numRuns: 20, seed: 3 },
    );
  });

  it('gives a tied embedding its Δ once, wherever each model stores it, and writes no duplicate', async () => {
    const tied = (...tensors: readonly FixtureTensor[]): FixtureModel => ({
      ...singleFile(...tensors),
      config: llamaConfig({ tie_word_embeddings: true }),
    });
    const folders = await writeTriple({
      target: {
        config: llamaConfig({ tie_word_embeddings: true }),
        shards: {
          'model-00001-of-00003.safetensors': [f32Tensor(EMBED, [10, 20])],
          'model-00002-of-00003.safetensors': [f32Tensor(HEAD, [10, 20]), f32Tensor('x', [1])],
          'model-00003-of-00003.safetensors': [f32Tensor('y', [1])],
        },
      },
      tuned: tied(f32Tensor(HEAD, [3, 5]), f32Tensor('x', [2]), f32Tensor('y', [2])),
      base: tied(f32Tensor(EMBED, [1, 2]), f32Tensor(HEAD, [100, 100]), f32Tensor('x', [1]), f32Tensor('y', [1])),
    });
    expect(await run(folders, 1)).toMatchObject({ parametersMoved: 4, tensors: 3 });
    const model = await openModel(folders.out);
    expect([...model.tensors.keys()]).toEqual([EMBED, 'x', 'y']);
    expect(await readF32(folders.out, EMBED)).toEqual([12, 23]);
    expect(await readF32(folders.out, 'x')).toEqual([2]);
    const index: unknown = JSON.parse(await readFile(join(folders.out, 'model.safetensors.index.json'), 'utf8'));
    expect(index).toMatchObject({ metadata: { total_size: 16 } });
  });

  it('leaves out a file that held only the duplicate', async () => {
    const config = llamaConfig({ tie_word_embeddings: true });
    const model: FixtureModel = {
      config,
      shards: { 'a.safetensors': [f32Tensor(EMBED, [1])], 'b.safetensors': [f32Tensor(HEAD, [1])] },
    };
    const folders = await writeTriple({ target: model, tuned: model, base: model });
    await run(folders, 1);
    expect((await openModel(folders.out)).files).toEqual([
      'a.safetensors',
      'config.json',
      'model.safetensors.index.json',
    ]);
  });

  it('gives the embedding and the head of an untied model each its own Δ', async () => {
    const model = (embed: number, head: number): FixtureModel =>
      singleFile(f32Tensor(EMBED, [embed]), f32Tensor(HEAD, [head]));
    const folders = await writeTriple({ target: model(0, 0), tuned: model(3, 7), base: model(1, 2) });
    await run(folders, 1);
    expect([await readF32(folders.out, EMBED), await readF32(folders.out, HEAD)]).toEqual([[2], [5]]);
  });

  it('gives the same bytes however tuned and base are sharded, in the shards of the target', async () => {
    const tensors = (offset: number): readonly FixtureTensor[] =>
      ['a', 'b', 'c', 'd'].map((name, i) => f32Tensor(name, [i + offset, i - offset / 3, offset / 7]));
    const files = async (shardsOf: (tensors: readonly FixtureTensor[]) => FixtureModel['shards']): Promise<unknown> => {
      const [a, b, c, d] = tensors(0.1).map(({ name }) => bitsTensor(name, 'BF16', [0x3f80, 0xbf01, 0x4049]));
      const folders = await writeTriple({
        target: {
          shards: {
            'one.safetensors': [d, b].flatMap((t) => t ?? []),
            'two.safetensors': [a, c].flatMap((t) => t ?? []),
          },
        },
        tuned: { shards: shardsOf(tensors(1.1)) },
        base: { shards: shardsOf([...tensors(0.7)].reverse()) },
      });
      return (await run(folders, 0.37)).outputs;
    };
    const whole = await files((all) => ({ 'model.safetensors': all }));
    const split = await files((all) => Object.fromEntries(all.map((one) => [`s${one.name}.safetensors`, [one]])));
    expect(split).toEqual(whole);
    expect(whole).toMatchObject([
      { path: 'config.json' },
      { path: 'model.safetensors.index.json' },
      { path: 'one.safetensors' },
      { path: 'regraft.json' },
      { path: 'two.safetensors' },
    ]);
  });

  it('takes config and RoPE from the target, chat template, generation config and tokenizer rules from the fine-tune', async () => {
    const tokenizer = tokenizerJson({ a: 0 });
    const folders = await writeTriple({
      target: {
        ...singleFile(f32Tensor('x', [1])),
        config: llamaConfig({ rope_theta: 7 }),
        files: {
          'tokenizer.json': tokenizer,
          'generation_config.json': '{"top_k":1}',
          'chat_template.jinja': 'T',
          'special_tokens_map.json': 'T',
          'merges.txt': 'T',
        },
      },
      tuned: {
        ...singleFile(f32Tensor('x', [1])),
        config: llamaConfig({ rope_theta: 5 }),
        files: { 'tokenizer.json': tokenizer, 'tokenizer_config.json': 'F', 'generation_config.json': '{"top_k":2}' },
      },
      base: { ...singleFile(f32Tensor('x', [1])), files: { 'tokenizer.json': tokenizer } },
    });
    const { outputs } = await run(folders, 1);
    const texts = await Promise.all(
      outputs.map(async ({ path }) => [path, await readFile(join(folders.out, path), 'utf8')] as const),
    );
    const { 'model.safetensors': weights, 'regraft.json': story, ...rest } = Object.fromEntries(texts);
    expect([weights, story]).not.toContain(undefined);
    expect(rest).toEqual({
      'config.json': JSON.stringify(llamaConfig({ rope_theta: 7 })),
      'generation_config.json': '{"top_k":2}',
      'merges.txt': 'T',
      'tokenizer.json': tokenizer,
      'tokenizer_config.json': 'F',
    });
  });

  it('reports size and sha256 of every file that is there', async () => {
    const model = singleFile(f32Tensor('x', [1, 2]));
    const folders = await writeTriple({ target: model, tuned: model, base: model });
    const { outputs } = await run(folders, 1);
    expect(outputs.map(({ path }) => path)).toEqual((await readdir(folders.out)).sort());
    for (const { path, sizeBytes, sha256 } of outputs) {
      const bytes = await readFile(join(folders.out, path));
      expect([sizeBytes, sha256]).toEqual([bytes.byteLength, createHash('sha256').update(bytes).digest('hex')]);
    }
  });

  it('refuses a result that is not finite, names every such tensor, and leaves nothing behind', async () => {
    const model = (value: number): FixtureModel =>
      singleFile(bitsTensor('x', 'F16', [value, 0]), bitsTensor('ok', 'F16', [0]), bitsTensor('y', 'F16', [value]));
    const folders = await writeTriple({ target: model(0x7bff), tuned: model(0x7bff), base: model(0) });
    await expect(run(folders, 1)).rejects.toMatchObject({
      code: 'WEIGHTS_NON_FINITE',
      retryable: false,
      details: {
        tensors: [
          { tensor: 'x', values: 1 },
          { tensor: 'y', values: 1 },
        ],
      },
    });
    expect((await readdir(folders.root)).filter((name) => name.startsWith('out'))).toEqual([]);
  });

  it.each([NaN, Infinity])('refuses the scale %s', async (scale) => {
    const model = singleFile(f32Tensor('x', [1]));
    const folders = await writeTriple({ target: model, tuned: model, base: model });
    await expect(run(folders, scale)).rejects.toMatchObject({ code: 'WEIGHTS_ARGUMENT_INVALID' });
  });
});

describe('recycle', () => {
  it('rounds once where rounding to float32 first would go wrong', async () => {
    // 1 + 2^-8 is a bf16 midpoint: ties go to 1. A Δ of 2^-8 + 2^-40 lies above it, but float32 cannot tell.
    const folders = await writeTriple({
      target: singleFile(bitsTensor('x', 'BF16', [0x3f80])),
      tuned: singleFile(f64Tensor('x', [2 ** -8 + 2 ** -40])),
      base: singleFile(f64Tensor('x', [0])),
    });
    await recycle({ ...folders, scale: 1 });
    expect([...(await readTensorBytes(folders.out)).values()]).toEqual([new Uint8Array([0x81, 0x3f])]);
  });

  it('streams a tensor of several pieces at offsets that are not aligned', async () => {
    const count = 3 * 2 ** 20 + 5;
    const values = (scale: number): FixtureModel => {
      const bytes = new Uint8Array(Float32Array.from({ length: count }, (_, i) => ((i % 1013) - 500) * scale).buffer);
      return singleFile(
        { name: 'odd', dtype: 'BF16', shape: [1], bytes: new Uint8Array(2) },
        { name: 'x', dtype: 'F32', shape: [count], bytes },
      );
    };
    const folders = await writeTriple({ target: values(1), tuned: values(5), base: values(2) });
    const seen: number[] = [];
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await recycle({
      ...folders,
      scale: 2,
      onProgress: ({ parametersDone, parametersTotal }) => seen.push(parametersDone / parametersTotal),
    });
    clearInterval(timer);
    const out = (await readTensorBytes(folders.out)).get('x')?.slice() ?? new Uint8Array();
    const wrong = new Float32Array(out.buffer).findIndex((value, i) => value !== ((i % 1013) - 500) * 7);
    expect([out.byteLength, wrong]).toEqual([4 * count, -1]);
    expect(seen.length).toBeGreaterThan(3);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
    expect(ticks).toBeGreaterThan(1);
  });

  it('refuses an output that exists, takes over an empty folder, and never touches what is there', async () => {
    const model = singleFile(f32Tensor('x', [1]));
    const folders = await writeTriple({ target: model, tuned: model, base: model });
    await mkdir(folders.out);
    await recycle({ ...folders, scale: 1 });
    const before = await stat(join(folders.out, 'model.safetensors'));
    let pieces = 0;
    const again = recycle({ ...folders, scale: 1, onProgress: () => pieces++ });
    await expect(again).rejects.toMatchObject({ code: 'WEIGHTS_OUTPUT_EXISTS' });
    expect(pieces, 'the work is not done first').toBe(0);
    expect(await stat(join(folders.out, 'model.safetensors'))).toEqual(before);
    await writeFile(join(folders.root, 'file'), 'mine');
    await expect(recycle({ ...folders, out: join(folders.root, 'file'), scale: 1 })).rejects.toMatchObject({
      code: 'WEIGHTS_OUTPUT_EXISTS',
    });
    expect((await readdir(folders.root)).sort()).toEqual(['base', 'file', 'out', 'target', 'tuned']);
  });

  it('of two writers at once lets one win', async () => {
    const model = singleFile(f32Tensor('x', [1]));
    const folders = await writeTriple({ target: model, tuned: model, base: model });
    const outcomes = await Promise.allSettled([recycle({ ...folders, scale: 1 }), recycle({ ...folders, scale: 1 })]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: expect.stringMatching(/^WEIGHTS_OUTPUT_(BUSY|EXISTS)$/) as string },
    });
    expect((await readdir(folders.root)).sort()).toEqual(['base', 'out', 'target', 'tuned']);
  });

  it('aborted at any piece leaves no output, only what the same call goes on from', async () => {
    const model = singleFile(...['a', 'b', 'c'].map((name) => f32Tensor(name, [1, 2])));
    const folders = await writeTriple({ target: model, tuned: model, base: model });
    for (const pieces of [0, 1, 2, 3]) {
      const abort = new AbortController();
      let done = 0;
      if (pieces === 0) abort.abort();
      const onProgress = (): void => {
        if (++done === pieces) abort.abort(new Error('superseded'));
      };
      const work = recycle({ ...folders, scale: 1, signal: abort.signal, onProgress });
      await expect(work).rejects.toMatchObject({ code: 'WEIGHTS_ABORTED', retryable: true });
      expect((await readdir(folders.root)).sort()).toEqual(['base', 'out.partial', 'target', 'tuned']);
    }
    await expect(recycle({ ...folders, scale: 1 })).resolves.toMatchObject({ parametersMoved: 6 });
    expect((await readdir(folders.root)).sort()).toEqual(['base', 'out', 'target', 'tuned']);
  });
});
