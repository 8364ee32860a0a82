import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkCompatible, diff, recycle, type Problem } from '../../weights/index.ts';
import {
  f32Tensor,
  llamaConfig,
  temporaryFolder,
  tokenizerJson,
  writeModelFolder,
  type FixtureModel,
} from '../support/safetensors.ts';

const SHAPES = { vocab_size: 4, hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 1 };
const plain = (fields: object = {}): FixtureModel => ({
  config: llamaConfig({ ...SHAPES, ...fields }),
  shards: { 'model.safetensors': [f32Tensor('x', [1, 2, 3, 4], [2, 2]), f32Tensor('y', [5])] },
});

async function check(base: FixtureModel, target: FixtureModel, tuned?: FixtureModel): Promise<readonly Problem[]> {
  const root = await temporaryFolder();
  const folders = {
    base: await writeModelFolder(join(root, 'base'), base),
    target: await writeModelFolder(join(root, 'target'), target),
  };
  if (tuned === undefined) return await checkCompatible(folders);
  return await checkCompatible({ ...folders, tuned: await writeModelFolder(join(root, 'tuned'), tuned) });
}

const codes = (problems: readonly Problem[]): readonly string[] => problems.map(({ code }) => code);

describe('checkCompatible', () => {
  it('finds nothing where models agree, whatever RoPE, dtype, sharding and context length are', async () => {
    const target: FixtureModel = {
      config: llamaConfig({ ...SHAPES, rope_theta: 5e5, rope_scaling: { type: 'llama3' }, max_position_embeddings: 9 }),
      shards: {
        'a.safetensors': [{ name: 'x', dtype: 'BF16', shape: [2, 2], bytes: new Uint8Array(8) }],
        'b.safetensors': [f32Tensor('y', [5])],
      },
    };
    expect(await check(plain(), target, plain())).toEqual([]);
  });

  it('finds every problem at once', async () => {
    const target: FixtureModel = {
      config: llamaConfig({
        ...SHAPES,
        hidden_size: 16,
        model_type: 'qwen3',
        architectures: ['Qwen3ForCausalLM'],
        tie_word_embeddings: true,
      }),
      shards: {
        'model.safetensors': [
          f32Tensor('x', [1, 2, 3, 4], [4]),
          { name: 'z', dtype: 'I8', shape: [1], bytes: new Uint8Array(1) },
        ],
      },
    };
    const problems = await check(plain(), target);
    expect(problems.map(({ code, subject }) => [code, subject])).toEqual([
      ['WEIGHTS_ARCHITECTURE_MISMATCH', 'target: architecture'],
      ['WEIGHTS_ARCHITECTURE_MISMATCH', 'target: model_type'],
      ['WEIGHTS_TIED_MISMATCH', 'target: word embeddings'],
      ['WEIGHTS_CONFIG_MISMATCH', 'target: config field hidden_size'],
      ['WEIGHTS_CONFIG_MISMATCH', 'target: config field head_dim'],
      ['WEIGHTS_DTYPE_UNSUPPORTED', 'target: tensor `z`'],
      ['WEIGHTS_SHAPE_MISMATCH', 'target: tensor `x`'],
      ['WEIGHTS_TENSOR_MISSING', 'target: tensor `y`'],
      ['WEIGHTS_TENSOR_EXTRA', 'target: tensor `z`'],
    ]);
    expect(problems[6]?.sentence).toBe(
      'target: tensor `x`: found shape [4], expected shape [2, 2] as in base; use releases of one model size, or exclude the tensor.',
    );
  });

  it('names the tuned model and the target apart', async () => {
    const small: FixtureModel = { ...plain(), shards: { 'model.safetensors': [f32Tensor('x', [1, 2, 3, 4], [2, 2])] } };
    expect((await check(plain(), small, small)).map(({ subject }) => subject)).toEqual([
      'target: tensor `y`',
      'tuned: tensor `y`',
    ]);
  });

  it('takes an absent head_dim and an absent number of key-value heads for what they default to', async () => {
    expect(await check(plain(), plain({ head_dim: 4, num_key_value_heads: 2 }))).toEqual([]);
    expect(codes(await check(plain(), plain({ head_dim: 2, num_key_value_heads: 1 })))).toEqual([
      'WEIGHTS_CONFIG_MISMATCH',
      'WEIGHTS_CONFIG_MISMATCH',
    ]);
  });

  it('finds heads that differ although every shape is the same', async () => {
    expect((await check(plain(), plain({ num_attention_heads: 4 }))).map(({ subject }) => subject)).toContain(
      'target: config field num_attention_heads',
    );
  });

  it('does not mind a stored duplicate of a tied embedding, nor a head that stands for it', async () => {
    const tied = (names: readonly string[]): FixtureModel => ({
      config: llamaConfig({ tie_word_embeddings: true }),
      shards: { 'model.safetensors': names.map((name) => f32Tensor(name, [1, 2], [2, 1])) },
    });
    const embed = 'model.embed_tokens.weight';
    expect(await check(tied([embed]), tied([embed, 'lm_head.weight']), tied(['lm_head.weight']))).toEqual([]);
  });
});

describe('vocabularies', () => {
  const withFiles = (files: Readonly<Record<string, string>>): FixtureModel => ({ ...plain(), files });
  const json = (...args: Parameters<typeof tokenizerJson>): FixtureModel =>
    withFiles({ 'tokenizer.json': tokenizerJson(...args) });

  it('are the same when every token has the same row, wherever the file says so', async () => {
    expect(await check(json({ a: 0, b: 1, c: 2 }), json({ b: 1, a: 0 }, [{ id: 2, content: 'c' }]))).toEqual([]);
  });

  it('may be renumbered: rows are matched by token', async () => {
    const vocab = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`t${String(i)}`, i]));
    const swapped = { ...vocab, t0: 1, t1: 0 };
    expect(await check(json(vocab), json(swapped, [{ id: 9, content: '<new>' }]))).toEqual([]);
  });

  it('are refused where the fine-tune has tokens of its own that the target cannot take', async () => {
    const [problem, ...rest] = await check(json({ a: 0, b: 1 }), json({ b: 0, a: 1 }), json({ a: 0, b: 1, mine: 2 }));
    expect(rest).toEqual([]);
    expect(problem).toMatchObject({
      code: 'WEIGHTS_VOCABULARY_MISMATCH',
      subject: 'tuned: tokenizer',
      found: '1 tokens of its own in the model vocabulary: "mine"',
    });
  });

  it('are read from a unigram list, and from a token called __proto__', async () => {
    const unigram = withFiles({ 'tokenizer.json': '{"model":{"vocab":[["a",-1.5],["__proto__",-2]]}}' });
    const bpe = withFiles({ 'tokenizer.json': '{"model":{"vocab":{"a":0,"__proto__":1}}}' });
    expect(await check(unigram, bpe)).toEqual([]);
    expect(codes(await check(json({ x: 0 }), json({ y: 0 }), unigram))).toEqual(['WEIGHTS_VOCABULARY_MISMATCH']);
  });

  it('cannot be compared when only one model has them', async () => {
    expect(codes(await check(json({ a: 0 }), plain()))).toEqual(['WEIGHTS_VOCABULARY_MISMATCH']);
    expect(codes(await check(plain(), json({ a: 0 })))).toEqual(['WEIGHTS_VOCABULARY_MISMATCH']);
  });

  it('without a tokenizer.json are compared as files', async () => {
    expect(await check(withFiles({ 'tokenizer.model': 'one' }), withFiles({ 'tokenizer.model': 'one' }))).toEqual([]);
    expect(
      codes(await check(withFiles({ 'tokenizer.model': 'one' }), withFiles({ 'tokenizer.model': 'two' }))),
    ).toEqual(['WEIGHTS_VOCABULARY_MISMATCH']);
  });

  it.each([
    '',
    '{}',
    '{"model":{"vocab":{"a":-1}}}',
    '{"model":{"vocab":{"a":"0"}}}',
    '{"model":{"vocab":{}},"added_tokens":[1]}',
  ])('a tokenizer.json of %j is refused', async (text) => {
    await expect(check(json({ a: 0 }), withFiles({ 'tokenizer.json': text }))).rejects.toMatchObject({
      code: 'WEIGHTS_TOKENIZER_INVALID',
    });
  });
});

describe('incompatible models', () => {
  it('are refused by diff and recycle with every problem, before anything is written', async () => {
    const root = await temporaryFolder();
    const base = await writeModelFolder(join(root, 'base'), plain());
    const shards = { 'model.safetensors': [f32Tensor('x', [1, 2, 3, 4], [4]), f32Tensor('y', [5, 6])] };
    const other = await writeModelFolder(join(root, 'other'), { ...plain(), shards });
    const out = join(root, 'out');
    const found = {
      code: 'WEIGHTS_INCOMPATIBLE',
      retryable: false,
      problems: [{ found: 'shape [4]' }, { found: 'shape [2]' }],
    };
    await expect(diff({ tuned: other, base, out, parents: { tuned: 't', base: 'b' } })).rejects.toMatchObject(found);
    await expect(recycle({ target: other, tuned: base, base, scale: 1, out })).rejects.toMatchObject(found);
    await expect(checkCompatible({ base: out, target: base })).rejects.toMatchObject({ code: 'WEIGHTS_FILE_MISSING' });
  });
});
