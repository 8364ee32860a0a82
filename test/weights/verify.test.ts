import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apply, blend, diff, recycle, verify } from '../../weights/index.ts';
import { f32Tensor, tokenizerJson, writeTriple, type FixtureModel, type ModelTriple } from '../support/safetensors.ts';

const model = (value: number): FixtureModel => ({
  shards: {
    'a.safetensors': [f32Tensor('x', [value, 1, 2])],
    'b.safetensors': [f32Tensor('y', [value, 3])],
  },
  files: { 'tokenizer.json': tokenizerJson({ a: 0 }) },
});

const PINNED = { target: 'sha256:T', tuned: 'sha256:F', base: 'sha256:B' };

async function writeModel(): Promise<ModelTriple> {
  const folders = await writeTriple({ target: model(1), tuned: model(2), base: model(3) });
  await recycle({ ...folders, scale: 0.5, pinned: PINNED, exclude: ['y'] });
  return folders;
}

async function writeDelta(): Promise<ModelTriple> {
  const folders = await writeTriple({ target: model(1), tuned: model(2), base: model(3) });
  await diff({ ...folders, parents: { tuned: 'sha256:F', base: 'sha256:B' }, maxShardBytes: 12 });
  return folders;
}

async function flipLastByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(path, bytes);
}

describe('verify', () => {
  it('says what a recycled model is made of, and how', async () => {
    const { out } = await writeModel();
    const report = await verify(out);
    expect(report).toMatchObject({
      kind: 'model',
      files: 5,
      operation: 'recycle',
      models: Object.entries(PINNED).map(([role, digest]) => ({ role, digest })),
      settings: { scale: 0.5, exclude: ['y'] },
    });
    const names = ['a.safetensors', 'b.safetensors', 'config.json', 'model.safetensors.index.json', 'tokenizer.json'];
    const sizes = await Promise.all(names.map(async (name) => (await readFile(join(out, name))).byteLength));
    expect(report.sizeBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
  });

  it('knows a delta, an applied and a blended model', async () => {
    const folders = await writeDelta();
    const { root, target, tuned } = folders;
    expect(await verify(folders.out)).toMatchObject({
      kind: 'delta',
      files: 3,
      operation: 'diff',
      models: [
        { role: 'tuned', digest: 'sha256:F', layout: null },
        { role: 'base', digest: 'sha256:B', layout: null },
      ],
    });
    await apply({ target, deltas: [{ folder: folders.out, scale: 2 }], out: join(root, 'applied') });
    await blend({ one: target, other: tuned, weight: 0.5, out: join(root, 'blended') });
    expect(await verify(join(root, 'applied'))).toMatchObject({ operation: 'apply', settings: { deltas: [2] } });
    expect(await verify(join(root, 'blended'))).toMatchObject({ operation: 'blend', settings: { weight: 0.5 } });
  });

  it('does not mind what others have put beside the files', async () => {
    const { out } = await writeModel();
    await writeFile(join(out, 'README.md'), 'mine');
    await expect(verify(out)).resolves.toMatchObject({ files: 5 });
  });

  it('names every file at fault of a model: changed, cut and gone', async () => {
    const { out } = await writeModel();
    await flipLastByte(join(out, 'a.safetensors'));
    await truncate(join(out, 'b.safetensors'), 10);
    await rm(join(out, 'tokenizer.json'));
    await expect(verify(out)).rejects.toMatchObject({
      code: 'WEIGHTS_VERIFY_FAILED',
      retryable: false,
      details: {
        problems: [
          expect.stringMatching(/^a\.safetensors: found other bytes than those with sha256 [0-9a-f]{64}$/) as unknown,
          expect.stringMatching(/^b\.safetensors: found 10 bytes, expected \d+$/) as unknown,
          'tokenizer.json: found no such file',
        ],
      },
    });
  });

  it('names every file at fault of a delta', async () => {
    const { out } = await writeDelta();
    await flipLastByte(join(out, 'delta-00001-of-00002.delta'));
    await truncate(join(out, 'delta-00002-of-00002.delta'), 10);
    await rm(join(out, 'fine-tune', 'tokenizer.json'));
    await expect(verify(out)).rejects.toMatchObject({
      code: 'WEIGHTS_VERIFY_FAILED',
      details: {
        problems: [
          expect.stringMatching(/^delta-00001-of-00002\.delta: found other bytes/) as unknown,
          expect.stringMatching(/^delta-00002-of-00002\.delta: found 10 bytes/) as unknown,
          'fine-tune/tokenizer.json: found no such file',
        ],
      },
    });
  });

  it('compares a delta with its manifest, too', async () => {
    const { out } = await writeDelta();
    const path = join(out, 'delta.json');
    const text = await readFile(path, 'utf8');
    expect(text).toContain('"parameterCount": 5');
    await writeFile(path, text.replace('"parameterCount": 5', '"parameterCount": 6'));
    await expect(verify(out)).rejects.toMatchObject({ code: 'WEIGHTS_DELTA_INVALID' });
  });

  it.each([
    ['no JSON', '{'],
    ['another schema', '{"schema":"regraft.provenance/9","files":[]}'],
    ['no files', '{"schema":"regraft.provenance/1"}'],
    ['a path out of the folder', withFile({ path: '../a', sizeBytes: 1, sha256: 'x' })],
    ['an absolute path', withFile({ path: '/etc/passwd', sizeBytes: 1, sha256: 'x' })],
    ['a file without a digest', withFile({ path: 'a.safetensors', sizeBytes: 1, sha256: null })],
  ])('refuses a regraft.json with %s', async (_name, text) => {
    const { out } = await writeModel();
    await writeFile(join(out, 'regraft.json'), text);
    await expect(verify(out)).rejects.toMatchObject({ code: 'WEIGHTS_VERIFY_FAILED' });
  });

  it('refuses a model that says nothing about itself', async () => {
    const { target } = await writeModel();
    await expect(verify(target)).rejects.toMatchObject({ code: 'WEIGHTS_FILE_MISSING' });
  });
});

function withFile(file: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ schema: 'regraft.provenance/1', files: [file] });
}
