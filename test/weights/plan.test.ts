import { open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { plan, recycle } from '../../weights/index.ts';
import {
  bitsTensor,
  f32Tensor,
  fileBytes,
  llamaConfig,
  singleFile,
  tokenizerJson,
  writeTriple,
  type FixtureModel,
} from '../support/safetensors.ts';

const EMBED = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const GIBIBYTE = 2 ** 30;

/** An embedding with a row for every token, and two more tensors. */
function model(value: number, tokens: readonly string[], config = llamaConfig()): FixtureModel {
  return {
    ...singleFile(
      f32Tensor(EMBED, new Array<number>(2 * tokens.length).fill(value), [tokens.length, 2]),
      f32Tensor('x', [value, value, value]),
      bitsTensor('y', 'BF16', [0x3f80, 0x3f80, 0x3f80, 0x3f80, 0x3f80]),
    ),
    config,
    files: { 'tokenizer.json': tokenizerJson(Object.fromEntries(tokens.map((token, row) => [token, row]))) },
  };
}

describe('plan', () => {
  it('accounts for every parameter, as recycle then does', async () => {
    const folders = await writeTriple({
      target: model(1, ['a', 'b', 'own']),
      tuned: model(2, ['a', 'b']),
      base: model(3, ['a', 'b']),
    });
    const options = { exclude: ['y'], scales: [{ pattern: 'x', scale: 0.5 }] };
    const report = await plan({ ...folders, ...options, outputScales: [1, 2] });
    expect(report).toMatchObject({
      problems: [],
      coverage: { parametersMoved: 7, parametersMapped: 0, parametersKept: 2, parametersExcluded: 5 },
      dtypes: { tuned: { F32: 2, BF16: 1 }, output: { F32: 2, BF16: 1 } },
      tensors: [
        { name: EMBED, dtype: 'F32', shape: [3, 2], scales: [1, 2], coverage: { moved: 4, kept: 2 } },
        { name: 'x', coverage: { moved: 3 } },
        { name: 'y', scales: null, coverage: { excluded: 5 } },
      ],
    });
    expect((await readdir(folders.root)).sort(), 'nothing is written').toEqual(['base', 'target', 'tuned']);
    const done = await recycle({ ...folders, ...options, scale: 1 });
    expect(done).toMatchObject(report.coverage ?? { parametersMoved: NaN });
    expect(done.vocabulary).toEqual(report.vocabulary);
    const weights = done.outputs.filter(({ path }) => path.endsWith('.safetensors'));
    expect(report.files).toEqual(weights.map(({ path, sizeBytes }) => ({ path, sizeBytes })));
    expect(report.diskBytes).toBe(2 * weights.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  });

  it('lists every problem, and then plans nothing', async () => {
    const eight = { name: 'q', dtype: 'F8_E4M3', shape: [1], bytes: new Uint8Array(1) } as const;
    const folders = await writeTriple({
      target: {
        ...singleFile(f32Tensor('x', [1, 2]), f32Tensor('extra', [1])),
        config: llamaConfig({ architectures: ['OtherForCausalLM'] }),
      },
      tuned: singleFile(f32Tensor('x', [1])),
      base: singleFile(f32Tensor('x', [1]), eight),
    });
    const report = await plan({ ...folders, include: ['nowhere'] });
    const codes = report.problems.map(({ code }) => code);
    for (const code of [
      'WEIGHTS_ARCHITECTURE_MISMATCH',
      'WEIGHTS_SHAPE_MISMATCH',
      'WEIGHTS_TENSOR_EXTRA',
      'WEIGHTS_TENSOR_MISSING',
      'WEIGHTS_DTYPE_UNSUPPORTED',
    ]) {
      expect(codes).toContain(code);
    }
    expect(report.problems.some(({ sentence }) => sentence.includes('nowhere'))).toBe(true);
    expect(new Set(report.problems.map(({ sentence }) => sentence)).size, 'each once').toBe(codes.length);
    expect(report).toMatchObject({ coverage: null, vocabulary: null, files: [], diskBytes: 0, tensors: [] });
    await expect(recycle({ ...folders, include: ['nowhere'], scale: 1 })).rejects.toMatchObject({
      problems: report.problems,
    });
  });

  it('says whether the embedding is also the head', async () => {
    for (const tied of [true, false]) {
      const config = llamaConfig({ tie_word_embeddings: tied });
      const one: FixtureModel = { ...singleFile(f32Tensor(EMBED, [1, 2]), f32Tensor(HEAD, [1, 2])), config };
      const folders = await writeTriple({ target: one, tuned: one, base: one });
      const report = await plan(folders);
      expect(report.tied).toBe(tied);
      expect(report.tensors.map(({ name }) => name)).toEqual(tied ? [EMBED] : [EMBED, HEAD]);
      expect(report.coverage?.parametersMoved).toBe(tied ? 2 : 4);
    }
  });

  it('plans models that are larger than any memory from their headers alone', async () => {
    const [rows, columns] = [2 ** 20, 2 ** 18];
    const sizeBytes = rows * columns * 2; // half a tebibyte of hole
    const header = { x: { dtype: 'BF16', shape: [rows, columns], data_offsets: [0, sizeBytes] } };
    const start = fileBytes(JSON.stringify(header), new Uint8Array(0));
    const placeholder = singleFile(f32Tensor('x', [1]));
    const folders = await writeTriple({ target: placeholder, tuned: placeholder, base: placeholder });
    for (const role of ['target', 'tuned', 'base'] as const) {
      const path = join(folders[role], 'model.safetensors');
      await writeFile(path, start);
      await using file = await open(path, 'r+');
      await file.truncate(start.byteLength + sizeBytes);
    }
    const report = await plan({ ...folders, threads: 2 });
    expect(report.problems).toEqual([]);
    expect(report.coverage?.parametersMoved).toBe(rows * columns);
    expect(report.diskBytes).toBe(start.byteLength + sizeBytes);
    expect(report.memoryBytes, 'of a thread, which does not grow with the model').toBeLessThan(GIBIBYTE / 8);
  });

  it.each([NaN, Infinity])('refuses the scale %d', async (scale) => {
    const one = singleFile(f32Tensor('x', [1]));
    const folders = await writeTriple({ target: one, tuned: one, base: one });
    await expect(plan({ ...folders, outputScales: [1, scale] })).rejects.toMatchObject({
      code: 'WEIGHTS_ARGUMENT_INVALID',
    });
  });
});
