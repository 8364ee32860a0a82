import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apply, diff, openDelta, openModel } from '../../weights/index.ts';
import {
  bitsTensor,
  f32Tensor,
  f64Tensor,
  llamaConfig,
  readF32,
  singleFile,
  tokenizerJson,
  writeModelFolder,
  writeTriple,
  type FixtureModel,
} from '../support/safetensors.ts';

const PARENTS = { tuned: 'sha256:t', base: 'sha256:b' };

describe('diff', () => {
  it('writes a delta that says where it comes from and that no loader takes for a model', async () => {
    const files = { 'tokenizer.json': tokenizerJson({ a: 0 }), 'chat_template.jinja': 'F' };
    const folders = await writeTriple({
      target: singleFile(),
      tuned: { ...singleFile(f32Tensor('b', [4, 1]), f64Tensor('z', [3]), bitsTensor('a', 'BF16', [0x3f80])), files },
      base: { ...singleFile(f32Tensor('b', [0, 1]), f64Tensor('z', [0]), bitsTensor('a', 'BF16', [0x3f80])), files },
    });
    const { manifest, outputs } = await diff({ ...folders, parents: PARENTS, maxShardBytes: 12 });
    expect(manifest).toMatchObject({
      schema: 'regraft.delta/2',
      parents: PARENTS,
      architecture: 'LlamaForCausalLM',
      tied: false,
      tensorCount: 3,
      parameterCount: 4,
      norm: 5,
      dtypes: { z: 'F64', a: 'F32', b: 'F32' },
    });
    expect(outputs.map(({ path }) => path)).toEqual([
      'delta.json',
      'delta-00001-of-00002.delta',
      'delta-00002-of-00002.delta',
      'fine-tune/chat_template.jinja',
      'fine-tune/tokenizer.json',
    ]);
    const delta = await openDelta(folders.out);
    expect([...delta.tensors.values()].map(({ name, dtype }) => [name, dtype])).toEqual([
      ['z', 'F64'],
      ['a', 'F32'],
      ['b', 'F32'],
    ]);
    expect(delta.manifest).toEqual(manifest);
    await expect(openModel(folders.out)).rejects.toMatchObject({ code: 'WEIGHTS_FILE_MISSING' });
  });

  it('refuses a delta that is not finite', async () => {
    const model = (value: number): FixtureModel => singleFile(f32Tensor('x', [value]));
    const folders = await writeTriple({ target: model(0), tuned: model(3e38), base: model(-3e38) });
    await expect(diff({ ...folders, parents: PARENTS })).rejects.toMatchObject({ code: 'WEIGHTS_NON_FINITE' });
  });

  it('gives the same bytes when run again', async () => {
    const model = (value: number): FixtureModel => singleFile(f32Tensor('x', [value, 1 / value]));
    const folders = await writeTriple({ target: model(1), tuned: model(3), base: model(7) });
    const first = await diff({ ...folders, parents: PARENTS });
    expect(await diff({ ...folders, parents: PARENTS, out: `${folders.out}2` })).toEqual(first);
  });
});

describe('apply', () => {
  it('adds several deltas with their scales and takes the rules from the last', async () => {
    const model = (value: number, config?: string): FixtureModel => ({
      ...singleFile(f32Tensor('x', [value])),
      files: config === undefined ? {} : { 'generation_config.json': JSON.stringify({ top_k: config }) },
    });
    const folders = await writeTriple({ target: model(100, 'T'), tuned: model(3, 'one'), base: model(1) });
    const other = await writeModelFolder(join(folders.root, 'other'), model(11, 'two'));
    await diff({ ...folders, parents: PARENTS, out: join(folders.root, 'd1') });
    await diff({ ...folders, tuned: other, parents: PARENTS, out: join(folders.root, 'd2') });
    const deltas = [
      { folder: join(folders.root, 'd1'), scale: 0.5 },
      { folder: join(folders.root, 'd2'), scale: -2 },
    ];
    await apply({ ...folders, deltas });
    expect(await readF32(folders.out, 'x')).toEqual([81]);
    expect(await readFile(join(folders.out, 'generation_config.json'), 'utf8')).toBe('{"top_k":"two"}');
  });

  it('refuses a target of another architecture or shape than the delta, and no delta at all', async () => {
    const model = (vocab: number, shape: number[] = [2]): FixtureModel => ({
      ...singleFile(f32Tensor('x', [1, 2], shape)),
      files: { 'tokenizer.json': tokenizerJson({ a: vocab }) },
    });
    const folders = await writeTriple({
      target: { ...model(1, [2, 1]), config: llamaConfig({ architectures: ['OtherForCausalLM'] }) },
      tuned: model(0),
      base: model(0),
    });
    await diff({ ...folders, parents: PARENTS, out: join(folders.root, 'd') });
    await expect(apply({ ...folders, deltas: [{ folder: join(folders.root, 'd'), scale: 0 }] })).rejects.toMatchObject({
      problems: [{ code: 'WEIGHTS_ARCHITECTURE_MISMATCH' }, { code: 'WEIGHTS_SHAPE_MISMATCH' }],
    });
    await expect(apply({ ...folders, deltas: [] })).rejects.toMatchObject({ code: 'WEIGHTS_ARGUMENT_INVALID' });
  });

  it('refuses a delta whose manifest and files disagree', async () => {
    const model = (value: number): FixtureModel => singleFile(f32Tensor('x', [value]));
    const folders = await writeTriple({ target: model(1), tuned: model(1), base: model(1) });
    await diff({ ...folders, parents: PARENTS });
    const path = join(folders.out, 'delta.json');
    const text = await readFile(path, 'utf8');
    for (const [from, to] of [
      ['"parameterCount": 1', '"parameterCount": 2'],
      ['"x": "F32"', '"x": "F64"'],
      ['"tensorCount": 1', '"tensorCount": 3'],
      ['delta-00001-of-00001.delta', '../delta-00001-of-00001.delta'],
      ['regraft.delta/2', 'regraft.delta/1'],
      ['"sizeBytes"', '"size"'],
      ['{', ''],
    ] as const) {
      expect(text).toContain(from);
      await writeFile(path, text.replace(from, to));
      await expect(openDelta(folders.out)).rejects.toMatchObject({ code: 'WEIGHTS_DELTA_INVALID' });
    }
  });
});
