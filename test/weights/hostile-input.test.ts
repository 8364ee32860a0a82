import { truncateSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apply, diff, openModel, plan, readSafetensorsHeader, recycle, WeightsError } from '../../weights/index.ts';
import {
  f32Tensor,
  fileBytes,
  llamaConfig,
  safetensorsBytes,
  singleFile,
  temporaryFolder,
  tokenizerJson,
  writeModelFolder,
  writeTriple,
  type FixtureModel,
} from '../support/safetensors.ts';

const NOTHING = new Uint8Array(0);
const FILE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const EMBED = 'model.embed_tokens.weight';

const model = (value: number): FixtureModel => singleFile(f32Tensor('x', [value, 1, 2, 3], [2, 2]));
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from([...values, ...new Uint8Array(64)]);
const header = (tensors: Readonly<Record<string, unknown>>, data = 16): Uint8Array =>
  fileBytes(JSON.stringify(tensors), new Uint8Array(data));
const f32 = (shape: readonly number[], begin: number, end: number): unknown => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

/** One file in the place of a model's weights, and what it is refused as. */
const FILES: readonly (readonly [name: string, code: string, file: Uint8Array])[] = [
  ['a zip that torch.save wrote', 'WEIGHTS_PICKLE_REFUSED', bytes(0x50, 0x4b, 0x03, 0x04, 0, 0, 8, 8)],
  ['a zip whose first bytes make a small number', 'WEIGHTS_PICKLE_REFUSED', bytes(0x50, 0x4b, 0x03, 0x04)],
  ...[2, 3, 4, 5].map(
    (protocol) =>
      [`a pickle of protocol ${String(protocol)}`, 'WEIGHTS_PICKLE_REFUSED', bytes(0x80, protocol, 0x8a, 10)] as const,
  ),
  ['a pickle of a few bytes', 'WEIGHTS_PICKLE_REFUSED', Uint8Array.from([0x80, 4, 0x4e, 0x2e])],
  ['an HTML page', 'WEIGHTS_HEADER_TOO_LARGE', new TextEncoder().encode('<!doctype html><p>Sign in</p>')],
  ['a pointer of Git LFS', 'WEIGHTS_HEADER_TOO_LARGE', new TextEncoder().encode('version https://git-lfs')],
  ['a header longer than the file', 'WEIGHTS_HEADER_INVALID', fileBytes('{}', NOTHING, 99_000_000n)],
  ['a header that nests deep', 'WEIGHTS_HEADER_INVALID', fileBytes(nested(1000), NOTHING)],
  ['a header that nests one level too deep', 'WEIGHTS_HEADER_INVALID', fileBytes('{"a":{"b":[[]]}}', NOTHING)],
  ['brackets without an end', 'WEIGHTS_HEADER_INVALID', fileBytes('{"a":[{"b":[', NOTHING)],
  ['a text without an end', 'WEIGHTS_HEADER_INVALID', fileBytes('{"a\\', NOTHING)],
  [
    'offsets that are beyond 2^53',
    'WEIGHTS_HEADER_INVALID',
    fileBytes(beyond('[4]', `[0,${'9'.repeat(20)}]`), NOTHING),
  ],
  ['a dimension beyond 2^53', 'WEIGHTS_HEADER_INVALID', fileBytes(beyond(`[${'9'.repeat(20)}]`, '[0,16]'), NOTHING)],
  ['a dimension that is 1e400', 'WEIGHTS_HEADER_INVALID', fileBytes(beyond('[1e400]', '[0,16]'), NOTHING)],
  [
    'a product beyond 2^64 that wraps to 16 bytes',
    'WEIGHTS_TENSOR_BOUNDS',
    header({ x: f32([2 ** 32, 2 ** 32, 4], 0, 16) }),
  ],
  [
    'a download that stopped',
    'WEIGHTS_TENSOR_BOUNDS',
    safetensorsBytes([f32Tensor('x', [1, 2, 3, 4])]).subarray(0, -5),
  ],
  ['a hole between tensors', 'WEIGHTS_TENSOR_BOUNDS', header({ x: f32([2], 0, 8), y: f32([1], 12, 16) })],
  ['tensors that overlap', 'WEIGHTS_TENSOR_BOUNDS', header({ x: f32([2], 0, 8), y: f32([3], 4, 16) })],
  ['a tensor past the end', 'WEIGHTS_TENSOR_BOUNDS', header({ x: f32([5], 0, 20) })],
];

function nested(depth: number): string {
  return `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
}

function beyond(shape: string, offsets: string): string {
  return `{"x":{"dtype":"F32","shape":${shape},"data_offsets":${offsets}}}`;
}

describe('weights from a hostile or careless source', () => {
  it.each(FILES)('are refused with one error, nothing written: %s', async (_name, code, file) => {
    const folders = await writeTriple({ target: model(1), tuned: model(2), base: model(3) });
    for (const role of ['target', 'tuned', 'base'] as const) {
      const path = join(folders[role], FILE);
      const good = await readFile(path);
      await writeFile(path, file);
      for (const work of [
        () => recycle({ ...folders, scale: 1 }),
        () => plan(folders),
        () => openModel(folders[role]),
      ]) {
        const error: unknown = await work().catch((reason: unknown) => reason);
        expect(error, role).toBeInstanceOf(WeightsError);
        expect(error, role).toMatchObject({ code, retryable: false, details: { path } });
        expect(String(error), role).toContain(path);
      }
      await writeFile(path, good);
    }
    expect((await readdir(folders.root)).sort()).toEqual(['base', 'target', 'tuned']);
  });

  it('with a header of 640 or of 1,280 bytes are not taken for a pickle, whose first bytes are the same', async () => {
    const folder = await temporaryFolder();
    for (const length of [0x0280, 0x0380, 0x0480, 0x0580]) {
      const path = join(folder, `${String(length)}.safetensors`);
      const json = JSON.stringify({ x: f32([4], 0, 16) });
      await writeFile(path, fileBytes(json.padEnd(length), new Uint8Array(16)));
      await expect(readSafetensorsHeader(path)).resolves.toMatchObject({ headerBytes: length });
    }
  });

  it('are refused by a sentence that says what to do with a pickle', async () => {
    const folder = await writeModelFolder(join(await temporaryFolder(), 'm'), model(1));
    await writeFile(join(folder, FILE), bytes(0x50, 0x4b, 0x03, 0x04));
    await expect(openModel(folder)).rejects.toThrow(
      /found a pickle, expected safetensors, .*; convert it to safetensors/,
    );
    await rm(join(folder, FILE));
    for (const name of ['pytorch_model.bin', 'pytorch_model-00001-of-00002.bin', 'consolidated.00.pth', 'model.ckpt']) {
      await writeFile(join(folder, name), 'x');
      await expect(openModel(folder)).rejects.toMatchObject({
        code: 'WEIGHTS_PICKLE_REFUSED',
        message: expect.stringContaining(`${folder}: found only the pickle ${name}, expected safetensors`) as unknown,
      });
      await rm(join(folder, name));
    }
    await writeFile(join(folder, 'training_args.bin'), 'x');
    await expect(openModel(folder)).rejects.toMatchObject({ code: 'WEIGHTS_FILE_MISSING' });
  });

  it('are refused where an adapter is a pickle', async () => {
    const folders = await writeTriple({ target: model(1), tuned: model(2), base: model(3) });
    await rm(folders.tuned, { recursive: true });
    await mkdir(folders.tuned);
    await writeFile(join(folders.tuned, 'adapter_config.json'), '{"peft_type":"LORA"}');
    await writeFile(join(folders.tuned, 'adapter_model.bin'), 'x');
    await expect(recycle({ ...folders, scale: 1 })).rejects.toMatchObject({
      code: 'WEIGHTS_PICKLE_REFUSED',
      message: expect.stringContaining('adapter_model.bin') as unknown,
    });
  });

  it('are refused for millions of brackets before a parser spends memory on each', async () => {
    const path = join(await temporaryFolder(), FILE);
    for (const header of [`{"a":${'['.repeat(20_000_000)}`, '{"a":{"b":[[]]}}', nested(3)]) {
      await writeFile(path, fileBytes(header, NOTHING));
      await expect(readSafetensorsHeader(path)).rejects.toMatchObject({
        code: 'WEIGHTS_HEADER_INVALID',
        message: expect.stringContaining('nests deeper than any header does') as unknown,
      });
    }
    await writeFile(path, fileBytes(JSON.stringify({ '[[[[{"': f32([2, 2], 0, 16) }), new Uint8Array(16)));
    await expect(readSafetensorsHeader(path), 'brackets in a name').resolves.toMatchObject({ tensors: [{}] });
  });

  it('that change between plan and work are noticed, not read beyond their end', async () => {
    const count = 300_000;
    const long = (value: number): FixtureModel =>
      singleFile(f32Tensor('a', [1]), f32Tensor('x', new Array<number>(count).fill(value)));
    const folders = await writeTriple({ target: long(1), tuned: long(2), base: long(3) });
    let isCut = false;
    const onProgress = (): void => {
      if (!isCut) truncateSync(join(folders.tuned, FILE), 500_000);
      isCut = true;
    };
    const work = recycle({ ...folders, scale: 1, threads: 0, pieceElements: 65_536, onProgress });
    await expect(work).rejects.toMatchObject({ code: 'WEIGHTS_TENSOR_BOUNDS', details: { tensor: 'x' } });
    expect((await readdir(folders.root)).sort()).toEqual(['base', 'target', 'tuned']);
  });
});

/** An index over shards that are there, but for what the entries add. */
async function withIndex(weightMap: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = join(await temporaryFolder(), 'm');
  await writeModelFolder(folder, { shards: { 'a.safetensors': [f32Tensor('x', [1])] } });
  await writeFile(join(folder, INDEX), JSON.stringify({ weight_map: { x: 'a.safetensors', ...weightMap } }));
  return folder;
}

describe('an index from a hostile source', () => {
  it.each([
    '../x.safetensors',
    '/x.safetensors',
    'https://example.org/x.safetensors',
    'file:///x.safetensors',
    'C:\\x.safetensors',
    '%2e%2e/x.safetensors',
    '~/x.safetensors',
    'a.safetensors\n',
    '',
    'x.safetensors/../../y.safetensors',
  ])('is refused for the shard %j, and the shard is not looked for', async (file) => {
    const work = openModel(await withIndex({ y: file }));
    await expect(work).rejects.toMatchObject({ code: 'WEIGHTS_INDEX_INVALID' });
    await expect(work).rejects.toThrow(JSON.stringify(file).slice(1, 5));
  });

  it('names as many files as a model may have, or is refused before one of them is opened', async () => {
    const shards = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${String(i)}`, `s${String(i)}.safetensors`]));
    await expect(openModel(await withIndex(shards(100_000)))).rejects.toMatchObject({
      code: 'WEIGHTS_INDEX_INVALID',
      message: expect.stringContaining('100001 files, more than 10000') as unknown,
    });
    await expect(openModel(await withIndex(shards(10_000)))).rejects.toMatchObject({ code: 'WEIGHTS_INDEX_INVALID' });
    // As many as that are opened one after another: the first that is missing is named.
    await expect(openModel(await withIndex(shards(9_999)))).rejects.toMatchObject({ code: 'WEIGHTS_FILE_MISSING' });
  });

  it('that nests deep is refused', async () => {
    const folder = await withIndex({});
    await writeFile(join(folder, INDEX), `{"weight_map":${'['.repeat(100_000)}`);
    await expect(openModel(folder)).rejects.toMatchObject({ code: 'WEIGHTS_INDEX_INVALID' });
  });
});

describe('numbers that a file claims', () => {
  it('of rows without columns are no reason to spend memory', async () => {
    const rows = 2 ** 52;
    const claimed = (tokens: Readonly<Record<string, number>>): FixtureModel => ({
      config: llamaConfig({ vocab_size: rows }),
      shards: { [FILE]: [{ name: EMBED, dtype: 'F32', shape: [rows, 0], bytes: NOTHING }, f32Tensor('x', [1])] },
      files: { 'tokenizer.json': tokenizerJson(tokens) },
    });
    const folders = await writeTriple({
      target: claimed({ a: 0 }),
      tuned: claimed({ a: 0, b: 1 }),
      base: claimed({ a: 0 }),
    });
    await expect(recycle({ ...folders, scale: 1 })).rejects.toMatchObject({
      code: 'WEIGHTS_INCOMPATIBLE',
      problems: [{ code: 'WEIGHTS_VOCABULARY_MISMATCH' }],
    });
    expect((await readdir(folders.root)).sort()).toEqual(['base', 'target', 'tuned']);
  });

  it('of rows that a delta introduces are bounded by the rows that it stores', async () => {
    const one = (tokens: Readonly<Record<string, number>>): FixtureModel => ({
      ...singleFile(f32Tensor(EMBED, [1, 2, 3, 4], [2, 2])),
      files: { 'tokenizer.json': tokenizerJson(tokens) },
    });
    const folders = await writeTriple({ target: one({ a: 0 }), tuned: one({ a: 0, b: 1 }), base: one({ a: 0 }) });
    const delta = join(folders.root, 'delta');
    await diff({ ...folders, out: delta });
    const path = join(delta, 'delta.json');
    const text = await readFile(path, 'utf8');
    const manifest = JSON.parse(text) as Record<string, unknown>;
    expect(manifest['introducedRows']).toEqual([[1, 1]]);
    for (const introducedRows of [[[1, 2]], [[0, 2 ** 52]], [[2 ** 52, 1]]]) {
      await writeFile(path, JSON.stringify({ ...manifest, introducedRows }));
      const work = apply({ target: folders.target, deltas: [{ folder: delta, scale: 1 }], out: folders.out });
      await expect(work).rejects.toMatchObject({ code: 'WEIGHTS_DELTA_INVALID' });
    }
  });

  it('of bytes in a file that is mostly hole are checked against the file, which is not read', async () => {
    const path = join(await temporaryFolder(), FILE);
    const tebibyte = 2 ** 40;
    await writeFile(path, fileBytes(JSON.stringify({ x: f32([tebibyte / 4], 0, tebibyte) }), NOTHING));
    await expect(readSafetensorsHeader(path)).rejects.toMatchObject({ code: 'WEIGHTS_TENSOR_BOUNDS' });
    await using file = await open(path, 'r+');
    await file.truncate((await file.stat()).size + tebibyte);
    await expect(readSafetensorsHeader(path)).resolves.toMatchObject({ tensors: [{ sizeBytes: tebibyte }] });
  });
});
