import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { valuesOff } from '../../../../scripts/bench/weights/values-off.ts';
import { bitsTensor, temporaryFolder, writeModelFolder, type FixtureTensor } from '../../../support/safetensors.ts';

const ONE = 0x3f80;
const PYTHON = resolve('.venv/bin/python');
const model = async (...shards: readonly FixtureTensor[][]): Promise<string> =>
  await writeModelFolder(await temporaryFolder(), {
    shards: Object.fromEntries(shards.map((tensors, i) => [`part-${i}.safetensors`, tensors])),
  });
const a = bitsTensor('a', 'BF16', [ONE, 0, ONE]);
const b = bitsTensor('b', 'BF16', [1, 2, 3, 4], [2, 2]);

it('finds none off in the same values, however they are spread over files', async () => {
  expect(await valuesOff(await model([b, a]), await model([a], [b]), PYTHON)).toBe(0);
});

it('counts every value that differs, zeros by their sign', async () => {
  const other = [bitsTensor('a', 'BF16', [ONE, 0x8000, ONE + 1]), b];
  expect(await valuesOff(await model(other), await model([a, b]), PYTHON)).toBe(2);
});

it('counts all values of a tensor that is missing, too much, or of another shape or dtype', async () => {
  const expected = await model([a, b]);
  expect(await valuesOff(await model([a]), expected, PYTHON)).toBe(4);
  expect(await valuesOff(await model([a, b, bitsTensor('c', 'BF16', [0])]), expected, PYTHON)).toBe(1);
  expect(await valuesOff(await model([a, bitsTensor('b', 'BF16', [1, 2, 3, 4])]), expected, PYTHON)).toBe(4);
  expect(await valuesOff(await model([bitsTensor('a', 'F16', [ONE, 0, ONE]), b]), expected, PYTHON)).toBe(3);
});

it('says so when there is nothing to compare', async () => {
  const folder = await model([a]);
  rmSync(join(folder, 'part-0.safetensors'));
  await expect(valuesOff(join(folder, 'gone'), folder, PYTHON)).rejects.toThrow('could not be compared');
});
