import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT_BYTES, type FloatDtype } from '../../../weights/dtype.ts';
import { MOST, referenceKernel, runFused, runSteps, wasmKernel, type FusedCase } from './harness.ts';
import { bitsOf, F32, type Format } from './oracle.ts';
import { drawTriple, edgePatterns, FORMATS, seededRandom, store, STYLES, type Style, type Triple } from './patterns.ts';

const wasm = wasmKernel();
const reference = referenceKernel();
const DTYPES = ['BF16', 'F16', 'F32'] as const;
/** 0.5 + 2^-20 · 2^-133 lies on a midpoint of BF16's subnormals only after float32 has dropped a bit. */
const SCALES = [0, 1, -1, 0.5, 2, 0.37, 1e-3, -3.7, 1e30, 1e-30, 5e-324, 0.5 + 2 ** -20];

/** One call against the steps on the reference kernel: outputs, what lies behind them, the count, and the sums. */
function expectSameAsSteps(fused: FusedCase): void {
  const ours = runFused(wasm, fused);
  const theirs = runSteps(reference, fused);
  const differs = ours.bytes.findIndex((byte, i) => byte !== theirs.bytes[i]);
  if (differs !== -1) expect.fail(describeDifference(fused, differs));
  expect(ours.newNonFinite).toBe(theirs.newNonFinite);
  expect(ours.sums).toEqual(theirs.sums);
}

function describeDifference({ dtype, kind, scale, count }: FusedCase, byte: number): string {
  const element = Math.floor(byte / FLOAT_BYTES[dtype]);
  return `${kind} ${dtype} by ${scale}: element ${element} of ${count} differs from the steps`;
}

const storeValues = (format: Format, values: readonly number[]): Uint8Array =>
  store(
    format,
    values.map((value) => bitsOf(format, value)),
  );

/** Both kinds of call over the same values: the stored delta is that of the drawn operands. */
function casesOf(dtype: FloatDtype, triples: readonly Triple[], scale: number, hasSums: boolean): readonly FusedCase[] {
  const format = FORMATS[dtype];
  const common = {
    dtype,
    count: triples.length,
    scale,
    hasSums,
    target: storeValues(
      format,
      triples.map((t) => t.target),
    ),
  };
  const tuned = storeValues(
    format,
    triples.map((t) => t.tuned),
  );
  const base = storeValues(
    format,
    triples.map((t) => t.base),
  );
  const delta = storeValues(
    F32,
    triples.map((t) => t.tuned - t.base),
  );
  return [
    { ...common, kind: 'recycle', tuned, base },
    { ...common, kind: 'apply', delta },
  ];
}

function drawMany(dtype: FloatDtype, style: Style, count: number, seed: number): readonly Triple[] {
  const random = seededRandom(seed);
  const edges = edgePatterns(FORMATS[dtype]);
  return Array.from({ length: count }, () => drawTriple(style, FORMATS[dtype], edges, random));
}

describe.each(DTYPES)('%s in one pass gives the bits of the steps', (dtype) => {
  const format = FORMATS[dtype];

  it('for every combination of edge patterns, at every scale', () => {
    const edges = edgePatterns(format);
    expect(edges.length).toBeGreaterThan(48);
    const targets: bigint[] = [];
    const tuned: bigint[] = [];
    const bases: bigint[] = [];
    for (const t of edges) {
      for (const f of edges) {
        for (const b of edges) {
          targets.push(t);
          tuned.push(f);
          bases.push(b);
        }
      }
    }
    const all = [targets, tuned, bases].map((patterns) => store(format, patterns));
    const [target, f, b] = all as [Uint8Array, Uint8Array, Uint8Array];
    const width = FLOAT_BYTES[dtype];
    for (const scale of SCALES) {
      for (let at = 0; at < targets.length; at += MOST) {
        const part = (bytes: Uint8Array): Uint8Array => bytes.subarray(at * width, (at + MOST) * width);
        const count = Math.min(MOST, targets.length - at);
        const operands = { target: part(target), tuned: part(f), base: part(b) };
        for (const hasSums of scale === 1 ? [true, false] : [false]) {
          expectSameAsSteps({ kind: 'recycle', dtype, count, scale, hasSums, ...operands });
        }
      }
    }
  });

  it.each(STYLES)('for many operands of style %s', (style) => {
    for (const [seed, scale] of SCALES.entries()) {
      const triples = drawMany(dtype, style, 4096, seed + 1);
      for (const fused of casesOf(dtype, triples, scale, seed % 2 === 1)) expectSameAsSteps(fused);
      // λ = 1 without sums has a way of its own.
      for (const fused of casesOf(dtype, triples, 1, false)) expectSameAsSteps(fused);
    }
  });

  it('for every count, tail and scale, with sums and without', () => {
    const drawn = fc.record({
      style: fc.constantFrom(...STYLES),
      count: fc.nat({ max: 67 }),
      scale: fc.oneof(fc.constantFrom(...SCALES), fc.double()),
      hasSums: fc.boolean(),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(drawn, ({ style, count, scale, hasSums, seed }) => {
        const triples = drawMany(dtype, style, count, seed);
        for (const fused of casesOf(dtype, triples, scale, hasSums)) expectSameAsSteps(fused);
      }),
      { numRuns: 3000, seed: 8 },
    );
  });

  it('for finite weights, sums of squares included', () => {
    for (const scale of [1, 0.5, 0.37]) {
      const triples = drawMany(dtype, 'weights', MOST - 3, 9);
      for (const fused of casesOf(dtype, triples, scale, true)) {
        const { sums } = runFused(wasm, fused);
        expect(new Float64Array(sums.buffer).every(Number.isFinite)).toBe(true);
        expectSameAsSteps(fused);
      }
    }
  });
});

/** Eight lanes of which one is the trap: fewer would be done one at a time. */
function eightOf(dtype: FloatDtype, scale: number, trap: Triple, others: Triple): readonly number[] {
  const format = FORMATS[dtype];
  const triples = Array.from({ length: 8 }, (_, i) => (i === 5 ? trap : others));
  const [recycle] = casesOf(dtype, triples, scale, false);
  if (recycle === undefined) throw new Error('no case');
  const { bytes } = runFused(wasm, recycle);
  expect(format.bits).toBe(16);
  return [...new Uint16Array(bytes.slice(0, 16).buffer)];
}

describe('where float32 misleads', () => {
  const ordinary: Triple = { target: 1, tuned: 0.5, base: 0.25 };

  it('BF16: a float32 on a midpoint that the float64 is above, or below, is rounded as the float64 says', () => {
    const above = { target: 1, tuned: 2 ** -8, base: -(2 ** -40) };
    const below = { target: 1 + 2 ** -7, tuned: 2 ** -8, base: 2 ** -40 };
    expect(eightOf('BF16', 1, above, ordinary)[5]).toBe(0x3f81);
    expect(eightOf('BF16', 1, below, ordinary)[5]).toBe(0x3f81);
  });

  it('BF16: a midpoint is rounded to even where all eight are exact', () => {
    expect(eightOf('BF16', 1, { target: 1, tuned: 2 ** -8, base: 0 }, ordinary)[5]).toBe(0x3f80);
    expect(eightOf('BF16', 1, { target: 1 + 2 ** -7, tuned: 2 ** -8, base: 0 }, ordinary)[5]).toBe(0x3f82);
  });

  it('BF16: among subnormals, where float32 drops bits that it has room for elsewhere', () => {
    const smallest = { target: 0, tuned: 2 ** -133, base: 0 };
    expect(eightOf('BF16', 0.5 + 2 ** -20, smallest, ordinary)[5]).toBe(1);
    expect(eightOf('BF16', 0.5, smallest, ordinary)[5]).toBe(0);
  });

  it('BF16: the largest value is kept, and what rounds beyond it is infinite', () => {
    const largest = 2 ** 128 - 2 ** 120;
    expect(eightOf('BF16', 1, { target: largest, tuned: 2 ** 118, base: 0 }, ordinary)[5]).toBe(0x7f7f);
    expect(eightOf('BF16', 1, { target: largest, tuned: 2 ** 119, base: 0 }, ordinary)[5]).toBe(0x7f80);
  });

  it('F16: the same trap, in its normal range and among its subnormals', () => {
    const above = { target: 1, tuned: 2 ** -11, base: -(2 ** -24) };
    expect(eightOf('F16', 1, above, ordinary)[5]).toBe(0x3c01);
    expect(eightOf('F16', 0.5 + 2 ** -40, { target: 0, tuned: 2 ** -24, base: 0 }, ordinary)[5]).toBe(1);
    expect(eightOf('F16', 0.5, { target: 0, tuned: 2 ** -24, base: 0 }, ordinary)[5]).toBe(0);
  });

  it('F16: 1 + 2^-11 + 2^-40, which is 1 + 2^-11 in float32, is rounded up; without the 2^-40 to even', () => {
    expect(eightOf('F16', 1 + 2 ** -29, { target: 1, tuned: 2 ** -11, base: 0 }, ordinary)[5]).toBe(0x3c01);
    expect(eightOf('F16', 1, { target: 1, tuned: 2 ** -11, base: 0 }, ordinary)[5]).toBe(0x3c00);
  });

  it('a NaN with all bits set becomes the quiet NaN, not a zero', () => {
    const triples = Array.from({ length: 8 }, () => ordinary);
    const [, apply] = casesOf('BF16', triples, 1, false);
    if (apply?.kind !== 'apply') throw new Error('no case');
    const delta = apply.delta.slice();
    delta.fill(0xff, 8, 12);
    const { bytes, newNonFinite } = runFused(wasm, { ...apply, delta });
    expect([...new Uint16Array(bytes.slice(0, 8).buffer)][2]).toBe(0x7fc0);
    expect(newNonFinite).toBe(1);
  });

  it('-0 + -0 stays -0, and -0 + 0 is 0', () => {
    const minus = { target: -0, tuned: -0, base: 0 };
    expect(eightOf('BF16', 1, minus, ordinary)[5]).toBe(0x8000);
    expect(eightOf('BF16', -1, minus, ordinary)[5]).toBe(0);
  });
});
