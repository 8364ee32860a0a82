import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BF16, bitsOf, F16, F32, F64, valueOf, type Format } from '../kernel/oracle.ts';
import { appliedBits, blendedBits, recycledBits, storedDelta, type Stored } from './reference.ts';

const stored = (format: Format, value: number): Stored => ({ format, bits: bitsOf(format, value) });
const recycled = (
  out: Format,
  values: readonly [target: number, tuned: number, base: number],
  scale: number,
): number => {
  const [target, tuned, base] = values.map((value) => stored(F64, value)) as [Stored, Stored, Stored];
  return valueOf(out, recycledBits(out, { target, tuned, base }, scale));
};

describe('the reference', () => {
  it.each([
    [BF16, 1 + 2 ** -8 + 2 ** -40, 1.0078125],
    [BF16, 1 + 2 ** -8, 1],
    [BF16, 1 + 3 * 2 ** -8, 1.015625],
    [BF16, 2 ** -134 + 2 ** -180, 2 ** -133],
    [BF16, -(2 ** -134), -0],
    [BF16, 2 ** 128 - 2 ** 119 - 2 ** 80, 2 ** 128 - 2 ** 120],
    [BF16, 2 ** 128 - 2 ** 119, Infinity],
    [F16, 1 + 2 ** -11 + 2 ** -40, 1.0009765625],
    [F16, 1 + 2 ** -11, 1],
    [F16, 65519.999999, 65504],
    [F16, 65520, Infinity],
    [F16, 2 ** -25, 0],
  ] as const)('rounds once, to nearest even: $0.dtype, $1 -> $2', (format, exact, expected) => {
    expect(recycled(format, [exact, 0, 0], 1)).toBe(expected);
    expect(valueOf(format, bitsOf(format, exact))).toBe(expected);
  });

  it('agrees with the machine where that has a rounding of its own', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (exact) => {
        expect(valueOf(F32, bitsOf(F32, exact))).toBe(Math.fround(exact));
        expect(valueOf(F64, bitsOf(F64, exact))).toBe(exact);
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  it.each([BF16, F16])('gives back every pattern of $dtype that is not a NaN', (format) => {
    let compared = 0;
    for (let pattern = 0n; pattern < 0x10000n; pattern++) {
      const exact = valueOf(format, pattern);
      if (Number.isNaN(exact)) continue;
      compared += 1;
      if (bitsOf(format, exact) !== pattern) expect.fail(`${format.dtype}: pattern ${pattern} does not come back`);
    }
    expect(compared).toBe(0x10000 - 2 * (2 ** (format.precision - 1) - 1));
  });

  it('fuses no product, and adds the terms before the target', () => {
    const tiny = 2 ** -53;
    expect(recycled(F64, [-1, 1 + 2 ** -30, 0], 1 + 2 ** -30)).toBe(2 ** -29); // fused, 2^-60 would be left over
    const delta = (value: number): Stored => stored(F64, value);
    const terms = [1, 1].map((scale) => ({ scale, delta: delta(tiny) }));
    expect(valueOf(F64, appliedBits(F64, delta(1), terms))).toBe(1 + 2 ** -52); // one by one, both would be lost
    expect(valueOf(F64, blendedBits(F64, delta(1), delta(3), 0.25))).toBe(1.5);
  });

  it('stores Δ as F32, and as F64 beside an operand of F64', () => {
    const [tuned, base] = [1, -(2 ** -30)];
    const narrow = storedDelta({ tuned: stored(F32, tuned), base: stored(BF16, base) });
    const wide = storedDelta({ tuned: stored(F32, tuned), base: stored(F64, base) });
    expect([narrow, wide].map(({ format, bits }) => [format.dtype, valueOf(format, bits)])).toEqual([
      ['F32', 1],
      ['F64', 1 + 2 ** -30],
    ]);
  });

  it('leaves a target alone with λ = 0: payload of a NaN and sign of a zero included', () => {
    const target = { format: BF16, bits: 0xffc1n };
    const zero = { format: BF16, bits: 0x8000n };
    expect(recycledBits(BF16, { target, tuned: zero, base: zero }, 0)).toBe(0xffc1n);
    expect(appliedBits(BF16, zero, [{ scale: 0, delta: target }])).toBe(0x8000n);
    expect(recycledBits(BF16, { target: zero, tuned: zero, base: zero }, 1)).toBe(0n);
  });
});
