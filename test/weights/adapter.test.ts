import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { apply, diff, openModel, plan, recycle } from '../../weights/index.ts';
import {
  f32Tensor,
  f64Tensor,
  readF32,
  readTensorBytes,
  safetensorsBytes,
  singleFile,
  temporaryFolder,
  tokenizerJson,
  writeModelFolder,
  type FixtureModel,
  type FixtureTensor,
} from '../support/safetensors.ts';

const EMBED = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const NORM = 'model.norm.weight';
const Q = 'model.layers.0.self_attn.q_proj.weight';
const UP = 'model.layers.0.mlp.up_proj.weight';
const PEFT = 'base_model.model.';
const TOKENS = { a: 0, b: 1, c: 2 };

/** Values that no sum of is exact in float32. */
function values(count: number, seed: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => Math.fround(Math.sin(seed * 100 + i + 1) * 1.7));
}

/** Rows of the vocabulary, a square layer and one that is not. */
function llama(seed: number, tokens: Readonly<Record<string, number>> = TOKENS): FixtureModel {
  return {
    ...singleFile(
      f32Tensor(EMBED, values(6, seed), [3, 2]),
      f32Tensor(Q, values(4, seed + 1), [2, 2]),
      f32Tensor(UP, values(10, seed + 2), [5, 2]),
      f32Tensor(NORM, values(2, seed + 3)),
      f32Tensor(HEAD, values(6, seed + 4), [3, 2]),
    ),
    files: { 'tokenizer.json': tokenizerJson(tokens) },
  };
}

/** A and B of a linear layer, of rank 3. */
function pair(tensor: string, rows: number, columns: number, seed: number): readonly FixtureTensor[] {
  const module = `${PEFT}${tensor.replace(/\.weight$/, '')}`;
  return [
    f32Tensor(`${module}.lora_A.weight`, values(3 * columns, seed), [3, columns]),
    f32Tensor(`${module}.lora_B.weight`, values(3 * rows, seed + 1), [rows, 3]),
  ];
}

/** scale · B·A in float64, summed in the order of the rank. */
function product(rows: number, columns: number, seed: number, scale: number): readonly number[] {
  const [a, b] = [values(3 * columns, seed), values(3 * rows, seed + 1)];
  return Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    let sum = 0;
    for (let k = 0; k < 3; k++) sum += (b[row * 3 + k] ?? 0) * (a[k * columns + column] ?? 0);
    return scale * sum;
  });
}

const PAIRS = [...pair(Q, 2, 2, 10), ...pair(UP, 5, 2, 20)];

interface Folders {
  readonly root: string;
  readonly target: string;
  readonly tuned: string;
  readonly base: string;
  readonly out: string;
}

async function writeAdapter(
  config: Readonly<Record<string, unknown>>,
  tensors: readonly FixtureTensor[],
  files: Readonly<Record<string, string>> = {},
): Promise<Folders> {
  const root = await temporaryFolder();
  const tuned = join(root, 'adapter');
  await mkdir(tuned);
  const whole = { peft_type: 'LORA', r: 3, lora_alpha: 5, target_modules: ['q_proj', 'up_proj'], ...config };
  await writeFile(join(tuned, 'adapter_config.json'), JSON.stringify(whole));
  await writeFile(join(tuned, 'adapter_model.safetensors'), safetensorsBytes(tensors));
  for (const [name, text] of Object.entries(files)) await writeFile(join(tuned, name), text);
  return {
    root,
    tuned,
    target: await writeModelFolder(join(root, 'target'), llama(1)),
    base: await writeModelFolder(join(root, 'base'), llama(2)),
    out: join(root, 'out'),
  };
}

/** fl(t + λ·Δ). */
function moved(target: readonly number[], delta: readonly number[], scale: number): readonly number[] {
  return target.map((value, i) => Math.fround(value + scale * (delta[i] ?? NaN)));
}

describe('recycling an adapter', () => {
  it.each([
    ['alpha / rank', {}, 5 / 3],
    ['alpha / √rank', { use_rslora: true }, 5 / Math.sqrt(3)],
    ['another alpha of one module', { lora_alpha: 1, alpha_pattern: { q_proj: 5, up_proj: 5 } }, 5 / 3],
  ])('adds λ·scale·(B·A), rounded once, with the scale %s', async (_name, config, scale) => {
    const folders = await writeAdapter(config, PAIRS);
    const report = await recycle({ ...folders, scale: 0.7 });
    expect(await readF32(folders.out, Q)).toEqual(moved(values(4, 2), product(2, 2, 10, scale), 0.7));
    expect(await readF32(folders.out, UP)).toEqual(moved(values(10, 3), product(5, 2, 20, scale), 0.7));
    const [out, target] = [await readTensorBytes(folders.out), await readTensorBytes(folders.target)];
    for (const name of [EMBED, NORM, HEAD]) expect(out.get(name), name).toEqual(target.get(name));
    expect(report).toMatchObject({ parametersMoved: 14, parametersKept: 14, parametersMapped: 0 });
  });

  it('takes a module to save as a whole tensor, whose difference to the base moves', async () => {
    const saved = f32Tensor(`${PEFT}${HEAD}`, values(6, 30), [3, 2]);
    const folders = await writeAdapter({ modules_to_save: ['lm_head'] }, [...PAIRS, saved]);
    await recycle({ ...folders, scale: 0.7 });
    const delta = values(6, 30).map((value, i) => value - (values(6, 6)[i] ?? NaN));
    expect(await readF32(folders.out, HEAD)).toEqual(moved(values(6, 5), delta, 0.7));
    expect(await readF32(folders.out, EMBED)).toEqual(values(6, 1));
  });

  it('gives the row of a token that only it has to a target without the token, whatever λ is', async () => {
    const rows = (name: string, seed: number): FixtureTensor => f32Tensor(`${PEFT}${name}`, values(8, seed), [4, 2]);
    const tensors = [...PAIRS, rows(EMBED, 40), rows(HEAD, 50)];
    const tokenizer = tokenizerJson(TOKENS, [{ id: 3, content: '<new>' }]);
    const folders = await writeAdapter({ modules_to_save: ['embed_tokens', 'lm_head'] }, tensors, {
      'tokenizer.json': tokenizer,
    });
    const report = await recycle({ ...folders, scale: 0.7 });
    for (const [name, seed, from, to] of [
      [EMBED, 40, 2, 1],
      [HEAD, 50, 6, 5],
    ] as const) {
      const delta = values(6, seed).map((value, i) => value - (values(6, from)[i] ?? NaN));
      const own = values(8, seed).slice(6);
      expect(await readF32(folders.out, name)).toEqual([...moved(values(6, to), delta, 0.7), ...own]);
    }
    expect(report.vocabulary).toMatchObject({ fromTuned: 1, names: { fromTuned: ['<new>'] } });
    expect(report.outputs.map(({ path }) => path)).toContain('tokenizer.json');
  });

  it('refuses a base that differs from its copy of the base, unless that is meant', async () => {
    const module = `${PEFT}model.embed_tokens`;
    const copy = (seed: number): readonly FixtureTensor[] => [
      f32Tensor(`${module}.lora_embedding_A`, values(9, 60), [3, 3]),
      f32Tensor(`${module}.lora_embedding_B`, values(6, 61), [2, 3]),
      f32Tensor(`${module}.base_layer.weight`, values(6, seed), [3, 2]),
    ];
    const right = await writeAdapter({}, copy(2));
    await expect(recycle({ ...right, scale: 1 })).resolves.toMatchObject({ parametersMoved: 6 });
    const wrong = await writeAdapter({}, copy(9));
    await expect(recycle({ ...wrong, scale: 1 })).rejects.toMatchObject({
      code: 'WEIGHTS_WRONG_BASE',
      message: expect.stringContaining(EMBED) as unknown,
    });
    expect((await readdir(wrong.root)).sort()).toEqual(['adapter', 'base', 'target']);
    await recycle({ ...wrong, scale: 1, allowDistantBase: true });
    expect(await readTensorBytes(wrong.out), 'nothing is computed from the copy').toEqual(
      await readTensorBytes(right.out),
    );
  });

  it('by way of a stored delta rounds Δ to float32 first', async () => {
    const folders = await writeAdapter({}, PAIRS);
    const delta = join(folders.root, 'delta');
    await diff({ ...folders, out: delta });
    await apply({ target: folders.target, deltas: [{ folder: delta, scale: 0.7 }], out: folders.out });
    const stored = product(5, 2, 20, 5 / 3).map(Math.fround);
    expect(await readF32(folders.out, UP)).toEqual(moved(values(10, 3), stored, 0.7));
    expect(await readF32(folders.out, NORM)).toEqual(values(2, 4));
  });

  it('keeps more than float32 holds until the one rounding', async () => {
    // 1 + 2^-24 is a midpoint of float32: a product that lies above it by 2^-50 decides.
    const module = `${PEFT}${NORM}`.replace('norm.weight', 'layers.0.self_attn.q_proj');
    const tensors = [
      f64Tensor(`${module}.lora_A.weight`, [1, 0, 2 ** -50, 0, 0, 0], [3, 2]),
      f64Tensor(`${module}.lora_B.weight`, [2 ** -24, 1, 0, 0, 0, 0], [2, 3]),
    ];
    const folders = await writeAdapter({ lora_alpha: 3 }, tensors);
    await writeModelFolder(folders.target, {
      ...llama(1),
      shards: {
        'model.safetensors': (llama(1).shards['model.safetensors'] ?? []).map((one) =>
          one.name === Q ? f32Tensor(Q, [1, 1, 1, 1], [2, 2]) : one,
        ),
      },
    });
    await recycle({ ...folders, scale: 1 });
    expect(await readF32(folders.out, Q)).toEqual([1 + 2 ** -23, 1, 1, 1]);
  });
});

const ROOT = join(import.meta.dirname, '..', '..');

async function makeWithPeft(...args: readonly string[]): Promise<unknown> {
  const script = join(import.meta.dirname, 'make-adapter.py');
  const env = { ...process.env, OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1', CUDA_VISIBLE_DEVICES: '' };
  const { stdout } = await promisify(execFile)(join(ROOT, '.venv', 'bin', 'python'), [script, ...args], { env });
  return JSON.parse(stdout);
}

it.each(['lora', 'rslora'])(
  'merges an adapter that PEFT wrote as PEFT merges it %s',
  async (kind) => {
    const root = await temporaryFolder();
    const adapted = await makeWithPeft(root, kind);
    const [base, tuned, out] = [join(root, 'base'), join(root, 'adapter'), join(root, 'out')];
    const models = { target: base, base, tuned };
    const { tensors } = await plan(models);
    expect(tensors.flatMap(({ name, scales }) => (scales === null ? [] : [name])).sort()).toEqual(adapted);
    await recycle({ ...models, scale: 1, out });
    const [found, expected] = [await readTensorBytes(out), await readTensorBytes(join(root, 'merged'))];
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    expect([...(await openModel(out)).tensors.values()].every(({ dtype }) => dtype === 'F64')).toBe(true);
    let most = 0;
    for (const [name, bytes] of found) {
      const [one, other] = [bytes, expected.get(name) ?? bytes.subarray(0, 0)].map((part) => toDoubles(part));
      expect(one?.length, name).toBe(other?.length);
      one?.forEach((value, i) => (most = Math.max(most, Math.abs(value - (other?.[i] ?? NaN)))));
    }
    expect(most).toBeLessThan(1e-14);
  },
  120_000,
);

function toDoubles(bytes: Uint8Array): Float64Array {
  return new Float64Array(bytes.slice().buffer);
}
