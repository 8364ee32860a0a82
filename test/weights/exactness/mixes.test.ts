import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apply, blend, diff, recycle } from '../../../weights/index.ts';
import { readTensorBytes, singleFile, writeTriple, type ModelTriple } from '../../support/safetensors.ts';
import { BF16, F16, F32, F64, valueOf, type Format } from '../kernel/oracle.ts';
import { expectPatterns } from './expect-patterns.ts';
import { ALL_FORMATS, drawElements, MIXES, tensorsOf, type Drawn, type Mix } from './operands.ts';
import { appliedBits, blendedBits, isFinitePattern, recycledBits, storedDelta, type Triple } from './reference.ts';

const SCALES = [-1, 0.5, 1, 1e-3, 3];
const STORED_AS: readonly { readonly name: string; readonly out: Format | null }[] = [
  { name: "the target's dtype", out: null },
  ...ALL_FORMATS.map((out) => ({ name: out.dtype, out })),
];
/** What fast-check draws: where the operands come from, and how many of each mix, so that loops end everywhere. */
const DRAW = fc.record({ seed: fc.nat(), count: fc.integer({ min: 1, max: 60 }) });
/** A smaller example is not worth the wait: an element that is wrong is named with its operands. */
const RUNS = { numRuns: 2, seed: 5, endOnFailure: true };

const asStored = (out: Format | null): { dtype?: Format['dtype'] } => (out === null ? {} : { dtype: out.dtype });

function draw(
  mixes: readonly Mix[],
  { seed, count }: { seed: number; count: number },
  isFine: FineFor,
): readonly Drawn[] {
  return mixes.map((mix, index) => drawElements(mix, count, seed + index, (triple) => isFine(mix, triple)));
}

type FineFor = (mix: Mix, triple: Triple) => boolean;

async function write(drawn: readonly Drawn[]): Promise<ModelTriple> {
  return await writeTriple({
    target: singleFile(...tensorsOf(drawn, 'target')),
    tuned: singleFile(...tensorsOf(drawn, 'tuned')),
    base: singleFile(...tensorsOf(drawn, 'base')),
  });
}

/** Recycles all mixes by every λ and compares every element. */
async function checkRecycle(out: Format | null, kernel: 'wasm' | 'typescript'): Promise<void> {
  const isFine: FineFor = (mix, triple) => {
    const format = out ?? mix.target;
    return [0, ...SCALES].every((scale) => isFinitePattern(format, recycledBits(format, triple, scale)));
  };
  await fc.assert(
    fc.asyncProperty(DRAW, async (how) => {
      const drawn = draw(MIXES, how, isFine);
      const folders = await write(drawn);
      for (const scale of [0, ...SCALES]) {
        const folder = join(folders.root, `by ${scale}`);
        const options = { kernel, durable: false, ...asStored(out) };
        const report = await recycle({ ...folders, ...options, scale, out: folder });
        expect(report.parametersMoved).toBe(scale === 0 ? 0 : MIXES.length * how.count);
        await expectPatterns(folder, drawn, { out, bitsOf: (format, triple) => recycledBits(format, triple, scale) });
      }
    }),
    RUNS,
  );
}

it('all 64 mixes of dtypes equal the reference bit for bit by the typescript kernel too', async () => {
  await checkRecycle(null, 'typescript');
  expect(MIXES).toHaveLength(64);
});

describe.each(STORED_AS)('all 64 mixes of dtypes, stored as $name, equal the reference bit for bit', ({ out }) => {
  it('recycled by every λ', async () => {
    await checkRecycle(out, 'wasm');
    expect(SCALES).toContain(-1);
  });

  it('by way of a stored delta, one to three of them', async () => {
    const termsOf = (triple: Triple, scales: readonly number[]): Parameters<typeof appliedBits>[2] => {
      // The second delta is the first one the other way round.
      const deltas = [storedDelta(triple), storedDelta({ tuned: triple.base, base: triple.tuned })] as const;
      return scales.map((scale, index) => ({ scale, delta: deltas[index % 2] ?? deltas[0] }));
    };
    const cases = [[0], [1], [-1], [0.5], [3, 1e-3], [0, 0.37], [1, 1], [3, 0.3, 0.37]];
    const isFine: FineFor = (mix, triple) => {
      const delta = storedDelta(triple);
      const format = out ?? mix.target;
      const results = cases.map((scales) => appliedBits(format, triple.target, termsOf(triple, scales)));
      // A delta whose norm leaves float64 is refused, whatever its values.
      const isSane = Math.abs(valueOf(delta.format, delta.bits)) < 1e150;
      return isSane && results.every((bits) => isFinitePattern(format, bits));
    };
    await fc.assert(
      fc.asyncProperty(DRAW, async (how) => {
        const drawn = draw(MIXES, how, isFine);
        const folders = await write(drawn);
        const { root, tuned, base, target } = folders;
        const deltas = [join(root, 'forth'), join(root, 'back')] as const;
        await diff({ tuned, base, out: deltas[0], durable: false });
        await diff({ tuned: base, base: tuned, out: deltas[1], durable: false });
        for (const scales of cases) {
          const folder = join(root, `by ${scales.join()}`);
          const terms = scales.map((scale, index) => ({ folder: deltas[index % 2] ?? deltas[0], scale }));
          await apply({ target, deltas: terms, out: folder, durable: false, ...asStored(out) });
          const bitsOf = (format: Format, triple: Triple): bigint =>
            appliedBits(format, triple.target, termsOf(triple, scales));
          await expectPatterns(folder, drawn, { out, bitsOf });
        }
      }),
      RUNS,
    );
  });

  it('blended, at both ends and between', async () => {
    const weights = [0, 0.5, 0.3, 1e-3, 1];
    const isFine: FineFor = (mix, { target, tuned }) =>
      weights.every((weight) => {
        const format = out ?? mix.target;
        return isFinitePattern(format, blendedBits(format, target, tuned, weight));
      });
    await fc.assert(
      fc.asyncProperty(DRAW, async (how) => {
        const drawn = draw(MIXES, how, isFine);
        const { root, target, tuned } = await write(drawn);
        for (const weight of weights) {
          const folder = join(root, `by ${weight}`);
          await blend({ one: target, other: tuned, weight, out: folder, durable: false, ...asStored(out) });
          const bitsOf = (format: Format, { target: one, tuned: other }: Triple): bigint =>
            blendedBits(format, one, other, weight);
          await expectPatterns(folder, drawn, { out, bitsOf });
        }
      }),
      RUNS,
    );
  });
});

describe('recycling', () => {
  const sameOf = (format: Format): Mix => ({ name: format.dtype, target: format, tuned: format, base: format });

  it('with λ = 0 gives the file of the target, byte for byte, NaN and infinities included', async () => {
    const drawn = draw(MIXES, { seed: 11, count: 200 }, () => true);
    const folders = await write(drawn);
    await recycle({ ...folders, scale: 0 });
    const name = 'model.safetensors';
    expect(await readFile(join(folders.out, name))).toEqual(await readFile(join(folders.target, name)));
    const hasNaN = drawn.some(({ mix, elements }) =>
      elements.some(({ target }) => !isFinitePattern(mix.target, target.bits)),
    );
    expect(hasNaN).toBe(true);
  });

  it('with λ = 1 onto its own base gives the fine-tune back, wherever float64 does', async () => {
    // Weights whose difference float64 holds exactly; F64 has no room to spare, so that only the reference can say.
    const exact = [BF16, F16, F32].map(sameOf);
    const isOrdinary: FineFor = ({ tuned: format }, { tuned, base }) => {
      const [one, other] = [tuned, base].map(
        ({ bits }) => BigInt.asUintN(format.bits - 1, bits) >> BigInt(format.precision - 1),
      );
      if (one === undefined || other === undefined) return false;
      const difference = one > other ? one - other : other - one;
      const isNormal =
        one > 0n && other > 0n && isFinitePattern(format, tuned.bits) && isFinitePattern(format, base.bits);
      return (
        isNormal && difference < 12n && isFinitePattern(format, recycledBits(format, { target: base, tuned, base }, 1))
      );
    };
    const drawn = [
      ...draw(exact, { seed: 3, count: 500 }, isOrdinary),
      ...draw([sameOf(F64)], { seed: 4, count: 500 }, isFinite),
    ];
    const folders = await write(drawn);
    await recycle({ ...folders, target: folders.base, scale: 1 });
    const bitsOf = (format: Format, triple: Triple): bigint =>
      recycledBits(format, { ...triple, target: triple.base }, 1);
    await expectPatterns(folders.out, drawn, { out: null, bitsOf });
    const [found, tuned] = [await readTensorBytes(folders.out), await readTensorBytes(folders.tuned)];
    for (const { name } of exact) expect(found.get(name)).toEqual(tuned.get(name));
  });

  it('rounds the same at the borders of blocks and grains as anywhere else', async () => {
    const count = 4099; // shares no divisor with lanes, blocks or grains
    const drawn = draw([...ALL_FORMATS.map(sameOf), ...MIXES.slice(1, 20)], { seed: 7, count }, (mix, triple) =>
      isFinitePattern(mix.target, recycledBits(mix.target, triple, 0.37)),
    );
    const folders = await write(drawn.map(({ mix, elements }) => ({ mix, elements: repeat(elements, 17) })));
    await recycle({ ...folders, scale: 0.37, pieceElements: 65_536, durable: false });
    const tensors = await readTensorBytes(folders.out);
    const bitsOf = (format: Format, triple: Triple): bigint => recycledBits(format, triple, 0.37);
    const first = await write(drawn);
    await recycle({ ...first, scale: 0.37, durable: false });
    await expectPatterns(first.out, drawn, { out: null, bitsOf });
    for (const [name, bytes] of await readTensorBytes(first.out)) {
      expect(Buffer.concat(repeat([bytes], 17)).equals(tensors.get(name) ?? new Uint8Array())).toBe(true);
    }
  });
});

const isFinite: FineFor = (mix, triple) =>
  isFinitePattern(mix.base, recycledBits(mix.base, { ...triple, target: triple.base }, 1));

function repeat<Item>(items: readonly Item[], times: number): readonly Item[] {
  return Array.from({ length: times }, () => items).flat();
}
