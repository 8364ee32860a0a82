import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect, openModel } from '../../weights/index.ts';
import {
  bitsTensor,
  f32Tensor,
  llamaConfig,
  temporaryFolder,
  tokenizerJson,
  writeModelFolder,
} from '../support/safetensors.ts';

const EMBED = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const INDEX = 'model.safetensors.index.json';

async function withIndex(weightMap: unknown): Promise<string> {
  const folder = join(await temporaryFolder(), 'm');
  await writeModelFolder(folder, {
    shards: { 'a.safetensors': [f32Tensor('x', [1])], 'b.safetensors': [f32Tensor('y', [2])] },
  });
  const text = typeof weightMap === 'string' ? weightMap : JSON.stringify({ weight_map: weightMap });
  await writeFile(join(folder, INDEX), text);
  return folder;
}

describe('openModel', () => {
  it('lists what makes up a model and nothing else', async () => {
    const folder = await temporaryFolder();
    const files = {
      'tokenizer.json': '{}',
      'tokenizer_config.json': '{}',
      'merges.txt': '',
      'chat_template.jinja': '',
      'pytorch_model.bin': '',
      'optimizer.pt': '',
      'modeling_evil.py': '',
      'tokenization.py': '',
      'tokenizer.py': '',
      'README.md': '',
    };
    await writeModelFolder(folder, { shards: { 'model.safetensors': [f32Tensor('x', [1, 2])] }, files });
    await mkdir(join(folder, 'vocab.json'));
    const model = await openModel(folder);
    expect(model.files).toEqual([
      'chat_template.jinja',
      'config.json',
      'merges.txt',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(model).toMatchObject({ architecture: 'LlamaForCausalLM', tieWordEmbeddings: false, parameterCount: 2 });
  });

  it('opens shards by their index and points into each file', async () => {
    const model = await openModel(await withIndex({ x: 'a.safetensors', y: 'b.safetensors' }));
    expect([...model.tensors.keys()]).toEqual(['x', 'y']);
    expect(model.tensors.get('y')?.path).toBe(join(model.folder, 'b.safetensors'));
  });

  it.each([
    ['a path out of the folder', { x: '../a.safetensors' }],
    ['a path into a folder', { x: 'sub/a.safetensors' }],
    ['an absolute path', { x: '/a.safetensors' }],
    ['a backslash', { x: '..\\a.safetensors' }],
    ['two dots within a name', { x: 'a..safetensors' }],
    ['a hidden file', { x: '.safetensors' }],
    ['a pickle', { x: 'a.bin' }],
    ['a NUL', { x: 'a\u0000.safetensors' }],
    ['a number for a name', { x: 1 }],
    ['nothing', {}],
    ['a list', ['a.safetensors']],
    ['a tensor that its shard does not store', { x: 'a.safetensors', y: 'b.safetensors', z: 'b.safetensors' }],
    ['a tensor in the wrong shard', { x: 'b.safetensors', y: 'b.safetensors' }],
    ['a shard but not its tensor', { y: 'b.safetensors', x: 'b.safetensors' }],
    ['no JSON', '{'],
    ['one tensor twice', '{"weight_map":{"x":"a.safetensors","x":"b.safetensors"}}'],
  ])('refuses an index with %s', async (_name, weightMap) => {
    await expect(openModel(await withIndex(weightMap))).rejects.toMatchObject({ code: 'WEIGHTS_INDEX_INVALID' });
  });

  it('refuses a tensor that is stored in two shards', async () => {
    const folder = await withIndex({ x: 'a.safetensors', y: 'b.safetensors' });
    await writeModelFolder(folder, {
      shards: { 'a.safetensors': [f32Tensor('x', [1]), f32Tensor('y', [1])], 'b.safetensors': [f32Tensor('y', [2])] },
    });
    await expect(openModel(folder)).rejects.toMatchObject({ code: 'WEIGHTS_INDEX_INVALID' });
  });

  it('says which file is missing', async () => {
    const folder = await withIndex({ x: 'a.safetensors', y: 'b.safetensors' });
    await rm(join(folder, 'b.safetensors'));
    await expect(openModel(folder)).rejects.toMatchObject({
      code: 'WEIGHTS_FILE_MISSING',
      message: expect.stringContaining('b.safetensors') as unknown,
    });
    await rm(join(folder, 'config.json'));
    await expect(openModel(folder)).rejects.toMatchObject({
      message: expect.stringContaining('config.json') as unknown,
    });
    await expect(openModel(join(folder, 'none'))).rejects.toMatchObject({ code: 'WEIGHTS_FILE_MISSING' });
  });

  it.each(['', '[]', '{}', '{"architectures":[]}', '{"architectures":[7]}'])('refuses the config %j', async (text) => {
    const folder = await temporaryFolder();
    await writeModelFolder(folder, { shards: { 'model.safetensors': [f32Tensor('x', [1])] } });
    await writeFile(join(folder, 'config.json'), text);
    await expect(openModel(folder)).rejects.toMatchObject({ code: 'WEIGHTS_CONFIG_INVALID' });
  });

  it.each([
    [{ tie_word_embeddings: true }, [EMBED, HEAD], true, 2],
    [{ tie_word_embeddings: false }, [EMBED, HEAD], false, 4],
    [{ tie_word_embeddings: true }, [HEAD], true, 2],
    [{ tie_word_embeddings: null }, [EMBED], true, 2],
    [{ tie_word_embeddings: null }, [EMBED, HEAD], false, 4],
    [{ tie_word_embeddings: null, text_config: { tie_word_embeddings: true } }, [EMBED, HEAD], true, 2],
  ])('with %j and %j stored, tied is %s and the parameters are %i', async (fields, names, tied, parameters) => {
    const folder = await temporaryFolder();
    const tensors = names.map((name) => f32Tensor(name, [1, 2]));
    await writeModelFolder(folder, { config: llamaConfig(fields), shards: { 'model.safetensors': tensors } });
    expect(await openModel(folder)).toMatchObject({ tieWordEmbeddings: tied, parameterCount: parameters });
  });
});

describe('inspect', () => {
  it('reports a model as plain JSON, with every tensor that cannot be added', async () => {
    const folder = await temporaryFolder();
    const packed = { name: 'q', dtype: 'U8' as const, shape: [4], bytes: new Uint8Array(4) };
    const eight = { name: 'f', dtype: 'F8_E4M3' as const, shape: [4], bytes: new Uint8Array(4) };
    const tensors = [f32Tensor('x', [1]), bitsTensor('y', 'BF16', [0, 0]), packed, eight];
    await writeModelFolder(folder, {
      config: llamaConfig({ vocab_size: 32 }),
      shards: { 'model.safetensors': tensors },
      files: { 'tokenizer.json': tokenizerJson({ a: 0 }) },
    });
    const report = await inspect(folder);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report).toMatchObject({ tensors: 4, parameterCount: 11, vocabularySize: 32, tied: false });
    expect(report.dtypes).toEqual({ F32: 1, BF16: 1, U8: 1, F8_E4M3: 1 });
    expect(report.tokenizerDigest).toMatch(/^[0-9a-f]{64}$/);
    expect(report.problems.map(({ code, subject, found }) => [code, subject, found])).toEqual([
      ['WEIGHTS_DTYPE_UNSUPPORTED', 'model: tensor `q`', 'U8'],
      ['WEIGHTS_DTYPE_UNSUPPORTED', 'model: tensor `f`', 'F8_E4M3'],
    ]);
  });
});
