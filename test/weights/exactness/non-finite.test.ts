import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apply, blend, diff, recycle, WeightsError } from '../../../weights/index.ts';
import {
  readTensorBytes,
  singleFile,
  temporaryFolder,
  writeTriple,
  type FixtureModel,
  type FixtureTensor,
  type ModelTriple,
} from '../../support/safetensors.ts';
import { BF16, bitsOf, F16, F32, F64, type Format } from '../kernel/oracle.ts';
import { store } from '../kernel/patterns.ts';
import { ALL_FORMATS } from './operands.ts';
import { loadPatterns, recycledBits, type Stored } from './reference.ts';

const QUIET = { durable: false };
/** More than a vector of any kernel, and not a whole number of them. */
const COUNT = 21;

interface Poison {
  readonly name: string;
  readonly bitsIn: (format: Format) => bigint;
}
const POISONS: readonly Poison[] = [
  { name: 'NaN', bitsIn: ({ nan }) => nan },
  { name: 'a NaN with sign and payload', bitsIn: ({ nan, bits }) => (1n << BigInt(bits - 1)) | nan | 1n },
  { name: 'a signalling NaN', bitsIn: ({ infinity }) => infinity | 1n },
  { name: 'infinity', bitsIn: ({ infinity }) => infinity },
  { name: '−infinity', bitsIn: ({ infinity, bits }) => (1n << BigInt(bits - 1)) | infinity },
];
/** A tensor for each poison in each format, named so. */
const CASES = ALL_FORMATS.flatMap((format) =>
  POISONS.map(({ name, bitsIn }) => ({ name: `${format.dtype} ${name}`, format, poison: bitsIn(format) })),
);
/** Where it lies: the last place is done alone by every kernel, the first ones together. */
const PLACES = [3, 5, COUNT - 1];

const ordinary = (format: Format, start: number): bigint[] =>
  Array.from({ length: COUNT }, (_, i) => bitsOf(format, start + i / 64));
const tensor = (name: string, format: Format, patterns: readonly bigint[]): FixtureTensor => ({
  ...{ name, dtype: format.dtype, shape: [patterns.length], bytes: store(format, patterns) },
});

/** All cases, poisoned or not. */
function allCases(isPoisoned: boolean, start = 0.5): FixtureModel {
  const tensors = CASES.map(({ name, format, poison }) => {
    const patterns = ordinary(format, start);
    return tensor(name, format, isPoisoned ? patterns.map((one, i) => (PLACES.includes(i) ? poison : one)) : patterns);
  });
  return singleFile(tensor('y', F32, [0n]), ...tensors);
}

/** One tensor `x`, ordinary but at one place. */
function oneCase(format: Format, place: number, bits: bigint): FixtureModel {
  return singleFile(tensor('x', format, ordinary(format, 0.5).with(place, bits)));
}

async function patternsIn(folder: string, name: string, format: Format): Promise<readonly bigint[]> {
  return loadPatterns(format, (await readTensorBytes(folder)).get(name) ?? new Uint8Array());
}

/** Refused with every tensor's name and count, and nothing is left. */
async function expectRefusal(
  folders: ModelTriple,
  work: Promise<unknown>,
  tensors: readonly { readonly tensor: string; readonly values: number }[],
): Promise<void> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WeightsError);
  expect(error).toMatchObject({ code: 'WEIGHTS_NON_FINITE', details: { tensors: expect.anything() as unknown } });
  const { details } = error as WeightsError;
  const byName = (list: typeof tensors): typeof tensors => list.toSorted((a, b) => (a.tensor < b.tensor ? -1 : 1));
  expect(byName(details['tensors'] as typeof tensors)).toEqual(byName(tensors));
  expect((await readdir(folders.root)).sort()).toEqual(['base', 'target', 'tuned']);
}
const X = [{ tensor: 'x', values: 1 }];

describe('NaN of every kind, infinity and −infinity, in every dtype', () => {
  const everywhere = CASES.map(({ name }) => ({ tensor: name, values: PLACES.length }));

  it.each(['tuned', 'base'] as const)('are refused in %s: every tensor is named, and nothing is left', async (role) => {
    const folders = await writeTriple({
      ...{ target: allCases(false), tuned: allCases(false), base: allCases(false) },
      [role]: allCases(true),
    });
    const { tuned, base, out } = folders;
    expect(everywhere).toHaveLength(20);
    for (const kernel of ['wasm', 'typescript'] as const) {
      await expectRefusal(folders, recycle({ ...folders, ...QUIET, kernel, scale: 0.5 }), everywhere);
      await expectRefusal(folders, recycle({ ...folders, ...QUIET, kernel, scale: 1, health: false }), everywhere);
      await expectRefusal(folders, diff({ ...QUIET, kernel, tuned, base, out }), everywhere);
      const halfway = { one: base, other: tuned, weight: 0.5 };
      await expectRefusal(folders, blend({ ...QUIET, kernel, ...halfway, out }), everywhere);
    }
    await recycle({ ...folders, ...QUIET, scale: 0 }); // nothing of it is taken
    expect(await readTensorBytes(out)).toEqual(await readTensorBytes(folders.target));
  });

  it.each(['wasm', 'typescript'] as const)('are kept where the target has them, by the %s kernel', async (kernel) => {
    for (const tuned of [allCases(false, 0.25), allCases(true)]) {
      const folders = await writeTriple({ target: allCases(true), tuned, base: allCases(false) });
      const report = await recycle({ ...folders, ...QUIET, kernel, scale: 0.5 });
      expect(report).toMatchObject({ nonFinite: 0, health: { realisedError: null } });
      for (const { name, format } of CASES) {
        const [target, a, b] = await Promise.all(
          [folders.target, folders.tuned, folders.base].map((folder) => patternsIn(folder, name, format)),
        );
        const at = (patterns: readonly bigint[] | undefined, i: number): Stored => ({
          format,
          bits: patterns?.[i] ?? 0n,
        });
        const expected = Array.from({ length: COUNT }, (_, i) =>
          recycledBits(format, { target: at(target, i), tuned: at(a, i), base: at(b, i) }, 0.5),
        );
        expect(await patternsIn(folders.out, name, format), name).toEqual(expected);
      }
    }
  });

  it('keep their bits in tensors that are not selected', async () => {
    const folders = await writeTriple({ target: allCases(true), tuned: allCases(false, 0.25), base: allCases(false) });
    await recycle({ ...folders, ...QUIET, scale: 1, include: ['y'] });
    expect(await readTensorBytes(folders.out)).toEqual(await readTensorBytes(folders.target));
  });
});

describe('finite models whose result is not', () => {
  it.each(ALL_FORMATS)('are refused in $dtype; a smaller λ is not', async (format) => {
    const largest = format.infinity - 1n;
    const folders = await writeTriple({
      target: oneCase(format, 7, largest),
      tuned: oneCase(format, 7, largest),
      base: oneCase(format, 7, 0n),
    });
    await expectRefusal(folders, recycle({ ...folders, ...QUIET, scale: 1 }), X);
    const smallest = 2 ** -(format.precision + 2); // less than half of the last place
    const { health } = await recycle({ ...folders, ...QUIET, scale: smallest });
    expect((await patternsIn(folders.out, 'x', format))[7]).toBe(largest);
    if (format !== F64) expect(health?.realisedError).toBe(1); // all of Δ was lost to rounding
  });

  it('are refused where the output dtype is too narrow, moved or not', async () => {
    const wide = oneCase(F32, 4, bitsOf(F32, 65_520));
    const folders = await writeTriple({ target: wide, tuned: oneCase(F32, 4, 0n), base: oneCase(F32, 4, 0n) });
    const narrow = { ...folders, ...QUIET, dtype: 'F16' } as const;
    await expectRefusal(folders, recycle({ ...narrow, scale: 1 }), X);
    await expectRefusal(folders, recycle({ ...narrow, scale: 0 }), X);
    await expectRefusal(folders, recycle({ ...narrow, scale: 1, exclude: ['x'] }), X);
    await recycle({ ...narrow, dtype: 'BF16', scale: 0 });
    expect((await patternsIn(folders.out, 'x', BF16))[4]).toBe(bitsOf(BF16, 65_520));
  });

  it('are refused where two deltas together are too much, or a difference is too large for F32', async () => {
    const at = (format: Format, value: number): FixtureModel => oneCase(format, 9, bitsOf(format, value));
    const folders = await writeTriple({ target: at(F16, 1), tuned: at(F16, 40_000), base: at(F16, 1) });
    const { target, tuned, base, out } = folders;
    const delta = join(await temporaryFolder(), 'delta');
    await diff({ ...QUIET, tuned, base, out: delta });
    const once = { folder: delta, scale: 1 };
    await expectRefusal(folders, apply({ ...QUIET, target, deltas: [once, once], out }), X);
    await apply({ ...QUIET, target, deltas: [once, { folder: delta, scale: -1 }], out });
    expect(await patternsIn(out, 'x', F16)).toEqual(await patternsIn(target, 'x', F16));

    const far = await writeTriple({ target: at(F32, 1), tuned: at(F32, 3e38), base: at(F32, -3e38) });
    await expectRefusal(far, diff({ ...QUIET, tuned: far.tuned, base: far.base, out: far.out }), X);
    await recycle({ ...far, ...QUIET, scale: 0.5 }); // in one pass the difference stays a float64
    expect((await patternsIn(far.out, 'x', F32))[9]).toBe(bitsOf(F32, Math.fround(3e38)));
  });
});
