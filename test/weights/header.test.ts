import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSafetensorsHeader, WeightsError } from '../../weights/index.ts';
import { f32Tensor, fileBytes, safetensorsBytes, temporaryFolder } from '../support/safetensors.ts';

const EIGHT = new Uint8Array(8);
const tensor = (
  begin: number,
  end: number,
  shape: readonly number[] = [(end - begin) / 4],
  dtype = 'F32',
): unknown => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

async function codeOf(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'model.safetensors');
  await writeFile(path, bytes);
  try {
    await readSafetensorsHeader(path);
    return 'accepted';
  } catch (error) {
    if (error instanceof WeightsError) return error.code;
    throw error;
  }
}

const ATTACKS: readonly (readonly [name: string, code: string, bytes: Uint8Array])[] = [
  ['an empty file', 'WEIGHTS_HEADER_INVALID', new Uint8Array(0)],
  ['a file that ends inside the length', 'WEIGHTS_HEADER_INVALID', new Uint8Array(7)],
  ['a file that ends inside the header', 'WEIGHTS_HEADER_INVALID', fileBytes('{}', EIGHT, 11n)],
  ['a header longer than 100 MB', 'WEIGHTS_HEADER_TOO_LARGE', fileBytes('{}', EIGHT, 100_000_001n)],
  ['a header length of 2^64 - 1', 'WEIGHTS_HEADER_TOO_LARGE', fileBytes('{}', EIGHT, 2n ** 64n - 1n)],
  ['a header of no bytes', 'WEIGHTS_HEADER_INVALID', fileBytes('', new Uint8Array(0))],
  ['a header that is no JSON', 'WEIGHTS_HEADER_INVALID', fileBytes('{"a":', new Uint8Array(0))],
  ['a header that begins with a space', 'WEIGHTS_HEADER_INVALID', fileBytes(' {}', new Uint8Array(0))],
  ['a header that is a list', 'WEIGHTS_HEADER_INVALID', fileBytes('[]', new Uint8Array(0))],
  ['metadata that is no text', 'WEIGHTS_HEADER_INVALID', fileBytes('{"__metadata__":{"a":1}}', new Uint8Array(0))],
  [
    'two tensors of one name',
    'WEIGHTS_HEADER_INVALID',
    fileBytes(`{"a":${JSON.stringify(tensor(0, 4))},"\\u0061":${JSON.stringify(tensor(4, 8))}}`, EIGHT),
  ],
  [
    'a field given twice',
    'WEIGHTS_HEADER_INVALID',
    fileBytes('{"a":{"dtype":"I64","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', EIGHT),
  ],
  ['an unknown field', 'WEIGHTS_HEADER_INVALID', withHeader({ a: { ...Object(tensor(0, 8)), offset: 1 } })],
  ['an unknown dtype', 'WEIGHTS_DTYPE_UNSUPPORTED', withHeader({ a: tensor(0, 8, [2], 'F31') })],
  [
    'a dtype that every object inherits',
    'WEIGHTS_DTYPE_UNSUPPORTED',
    withHeader({ a: tensor(0, 8, [2], 'constructor') }),
  ],
  ['a negative dimension', 'WEIGHTS_HEADER_INVALID', withHeader({ a: tensor(0, 8, [-1, -2]) })],
  ['a fractional dimension', 'WEIGHTS_HEADER_INVALID', withHeader({ a: tensor(0, 8, [0.5, 4]) })],
  ['a negative offset', 'WEIGHTS_HEADER_INVALID', withHeader({ a: tensor(-8, 8, [4]) })],
  ['three offsets', 'WEIGHTS_HEADER_INVALID', withHeader({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8, 8] } })],
  ['a tensor that overlaps another', 'WEIGHTS_TENSOR_BOUNDS', withHeader({ a: tensor(0, 8), b: tensor(4, 8) })],
  ['two tensors that share their bytes', 'WEIGHTS_TENSOR_BOUNDS', withHeader({ a: tensor(0, 8), b: tensor(0, 8) })],
  ['a hole at the beginning', 'WEIGHTS_TENSOR_BOUNDS', withHeader({ a: tensor(4, 8) })],
  ['a hole in the middle', 'WEIGHTS_TENSOR_BOUNDS', withHeader({ a: tensor(0, 0), b: tensor(4, 8) })],
  ['bytes after the last tensor', 'WEIGHTS_TENSOR_BOUNDS', withHeader({ a: tensor(0, 4) })],
  ['a tensor that ends after the file', 'WEIGHTS_TENSOR_BOUNDS', withHeader({ a: tensor(0, 12) })],
  ['a tensor that ends before it begins', 'WEIGHTS_TENSOR_BOUNDS', withHeader({ a: tensor(8, 0, [2]) })],
  ['a shape that takes other bytes', 'WEIGHTS_TENSOR_BOUNDS', withHeader({ a: tensor(0, 8, [3]) })],
  ['a shape whose product overflows', 'WEIGHTS_TENSOR_BOUNDS', withHeader({ a: tensor(0, 8, [2 ** 40, 2 ** 40]) })],
  ['half a byte', 'WEIGHTS_TENSOR_BOUNDS', withHeader({ a: tensor(0, 8, [15], 'F4') })],
];

function withHeader(header: Readonly<Record<string, unknown>>): Uint8Array {
  return fileBytes(JSON.stringify(header), EIGHT);
}

describe('readSafetensorsHeader', () => {
  it.each(ATTACKS)('refuses %s', async (_name, code, bytes) => {
    expect(await codeOf(bytes)).toBe(code);
  });

  it('refuses a header that is not UTF-8', async () => {
    const bytes = fileBytes('{"a":1}', new Uint8Array(0));
    bytes[10] = 0xff;
    expect(await codeOf(bytes)).toBe('WEIGHTS_HEADER_INVALID');
  });

  it('names every tensor at fault, not the first', async () => {
    const path = join(await temporaryFolder(), 'model.safetensors');
    await writeFile(path, withHeader({ first: tensor(0, 4, [7]), second: tensor(4, 8, [9]) }));
    await expect(readSafetensorsHeader(path)).rejects.toMatchObject({
      code: 'WEIGHTS_TENSOR_BOUNDS',
      retryable: false,
      details: { problems: [expect.stringContaining('first'), expect.stringContaining('second')] },
    });
  });

  it('says that a file is missing and that a folder is no file', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'model.safetensors'));
    await expect(readSafetensorsHeader(join(folder, 'none'))).rejects.toMatchObject({ code: 'WEIGHTS_FILE_MISSING' });
    await expect(readSafetensorsHeader(join(folder, 'model.safetensors'))).rejects.toBeInstanceOf(WeightsError);
  });

  it('accepts padding, empty tensors, scalars and sub-byte dtypes that fill whole bytes', async () => {
    const header = { none: tensor(0, 0, [0, 2 ** 52]), scalar: tensor(0, 4, []), packed: tensor(4, 8, [8], 'F4') };
    expect(await codeOf(fileBytes(`${JSON.stringify(header)}   `, EIGHT))).toBe('accepted');
  });

  it('gives absolute offsets in stored order, also through a symbolic link', async () => {
    const folder = await temporaryFolder();
    await writeFile(
      join(folder, 'blob'),
      safetensorsBytes([f32Tensor('z', [1, 2]), f32Tensor('a', [3])], { format: 'pt' }),
    );
    await symlink(join(folder, 'blob'), join(folder, 'model.safetensors'));
    const header = await readSafetensorsHeader(join(folder, 'model.safetensors'));
    expect(header.tensors.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['z', 8],
      ['a', 4],
    ]);
    expect(header.tensors[1]?.offsetBytes).toBe(8 + header.headerBytes + 8);
    expect(header.metadata).toEqual({ format: 'pt' });
  });

  it('refuses a valid file cut anywhere', async () => {
    const whole = safetensorsBytes([f32Tensor('a', [1, 2, 3]), f32Tensor('b', [4])]);
    const path = join(await temporaryFolder(), 'model.safetensors');
    for (let length = whole.byteLength - 1; length >= 0; length--) {
      await writeFile(path, whole);
      await truncate(path, length);
      await expect(readSafetensorsHeader(path)).rejects.toBeInstanceOf(WeightsError);
    }
  });

  it('answers any bytes with a header or a WeightsError', async () => {
    const path = join(await temporaryFolder(), 'model.safetensors');
    const bytes = fc.tuple(fc.json(), fc.uint8Array()).map(([json, data]) => fileBytes(json, data));
    await fc.assert(
      fc.asyncProperty(bytes, async (any) => {
        await writeFile(path, any);
        const outcome: unknown = await readSafetensorsHeader(path).catch((error: unknown) => error);
        expect(outcome instanceof WeightsError || (outcome instanceof Object && 'tensors' in outcome)).toBe(true);
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});
