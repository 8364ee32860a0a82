import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { diff, recycle } from '../../weights/index.ts';
import { f32Tensor, readF32, singleFile, writeTriple, type FixtureModel } from '../support/safetensors.ts';

const COUNT = 4096;

/** Noise that depends on the seed alone; unlike seeds are at right angles, nearly. */
function noise(seed: number, scale: number): number[] {
  let state = seed * 7919 + 1;
  return Array.from({ length: COUNT }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * scale;
  });
}

function sum(...parts: readonly (readonly number[])[]): number[] {
  return Array.from({ length: COUNT }, (_, i) => parts.reduce((all, part) => all + (part[i] ?? 0), 0));
}

const model = (values: readonly number[]): FixtureModel => singleFile(f32Tensor('x', values, [64, 64]));

const OLD = noise(1, 1);
const NEW = noise(2, 1);
const TUNED = sum(OLD, noise(3, 0.05));
const SHRUNK = sum(
  OLD.map((value) => value / 10),
  noise(5, 0.4),
);
const right = { target: model(NEW), tuned: model(TUNED), base: model(OLD) };

describe('a base that cannot be the parent of the fine-tune', () => {
  it('is refused, and the swap with the target is named', async () => {
    const { target, base, ...folders } = await writeTriple(right);
    const swapped = recycle({ ...folders, target: base, base: target, scale: 1 });
    await expect(swapped).rejects.toMatchObject({
      code: 'WEIGHTS_WRONG_BASE',
      retryable: false,
      message: expect.stringContaining('were base and target swapped?') as unknown,
    });
    await expect(swapped).rejects.toThrow(/‖tuned − base‖ is 1\.[34]\d times ‖base‖/);
    expect((await readdir(folders.root)).sort(), 'nothing is written').toEqual(['base', 'target', 'tuned']);
  });

  it('is refused by diff, which knows no target', async () => {
    const { target, ...folders } = await writeTriple(right);
    await expect(diff({ ...folders, base: target })).rejects.toMatchObject({
      code: 'WEIGHTS_WRONG_BASE',
      message: expect.stringContaining('is this the model that it was trained from?') as unknown,
    });
    expect((await readdir(folders.root)).sort()).toEqual(['base', 'target', 'tuned']);
  });

  it('is not said to be swapped where the target is no nearer', async () => {
    const folders = await writeTriple({ ...right, base: model(noise(4, 1)) });
    const work = recycle({ ...folders, scale: 1 });
    await expect(work).rejects.toMatchObject({ code: 'WEIGHTS_WRONG_BASE' });
    await expect(work).rejects.not.toThrow('swapped');
  });

  it('is taken where the caller means it', async () => {
    const { target, base, ...folders } = await writeTriple(right);
    await recycle({ ...folders, target: base, base: target, scale: 1, allowDistantBase: true });
    const expected = OLD.map((value, i) => {
      const [tuned, from] = [Math.fround(TUNED[i] ?? NaN), Math.fround(NEW[i] ?? NaN)];
      return Math.fround(Math.fround(value) + (tuned - from));
    });
    expect(await readF32(folders.out, 'x')).toEqual(expected);
  });
});

describe('a base that can be the parent', () => {
  it.each([
    ['the right one', right],
    ['one that was trained far, in its own direction', { ...right, tuned: model(sum(OLD, OLD, OLD, noise(3, 0.5))) }],
    ['one that the fine-tune has shrunk to a tenth, and lies nearer to than zeros', { ...right, tuned: model(SHRUNK) }],
    ['one without matrices to compare', vectors()],
    ['one of zeros, which says nothing', { ...right, base: model(new Array<number>(COUNT).fill(0)) }],
  ])('is taken: %s', async (_name, models) => {
    const folders = await writeTriple(models);
    await expect(recycle({ ...folders, scale: 1 })).resolves.toMatchObject({ parametersKept: 0 });
  });
});

function vectors(): typeof right {
  const one = (values: readonly number[]): FixtureModel => singleFile(f32Tensor('x', values));
  return { target: one(NEW), tuned: one(NEW), base: one(OLD) };
}
