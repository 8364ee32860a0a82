import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT_BYTES } from '../../../weights/dtype.ts';
import { LANES, SUMS, SUMS_BYTES } from '../../../weights/ops/kernel.ts';
import { createReferenceKernel } from '../../../weights/ops/reference-kernel.ts';
import { MOST, read, referenceKernel, slot, writeDoubles } from './harness.ts';
import { BF16, bitsOf, F16, F32, F64, valueOf, type Format } from './oracle.ts';

const kernel = referenceKernel();
const FORMATS = [BF16, F16, F32, F64];

function decode({ dtype, bits }: Format, patterns: readonly bigint[]): readonly number[] {
  const view = new DataView(kernel.memory, slot(0));
  const width = FLOAT_BYTES[dtype];
  for (const [i, pattern] of patterns.entries()) {
    if (bits === 64) view.setBigUint64(i * width, pattern, true);
    else if (bits === 32) view.setUint32(i * width, Number(pattern), true);
    else view.setUint16(i * width, Number(pattern), true);
  }
  kernel.decode(dtype, slot(0), patterns.length, slot(1));
  return [...new Float64Array(kernel.memory, slot(1), patterns.length)];
}

function encode({ dtype, bits }: Format, values: readonly number[]): readonly bigint[] {
  writeDoubles(kernel, slot(0), values);
  kernel.encode(dtype, slot(0), values.length, slot(1));
  const view = new DataView(kernel.memory, slot(1));
  return values.map((_, i) => {
    if (bits === 64) return view.getBigUint64(i * 8, true);
    return BigInt(bits === 32 ? view.getUint32(i * 4, true) : view.getUint16(i * 2, true));
  });
}

function inChunks<Item>(items: readonly Item[], work: (chunk: readonly Item[]) => void): void {
  for (let at = 0; at < items.length; at += MOST) work(items.slice(at, at + MOST));
}

/** A float64 and the two that are next to it. */
function neighbours(value: number): readonly number[] {
  const bits = new BigInt64Array(new Float64Array([value]).buffer)[0] ?? 0n;
  return [...new Float64Array(new BigInt64Array([bits - 1n, bits, bits + 1n]).buffer)];
}

describe.each([BF16, F16])('$dtype', (format) => {
  const patterns = Array.from({ length: 65_536 }, (_, pattern) => BigInt(pattern));

  it('decodes all 65536 bit patterns to the values that the format defines', () => {
    inChunks(patterns, (chunk) => {
      expect(decode(format, chunk)).toEqual(chunk.map((pattern) => valueOf(format, pattern)));
    });
  });

  it('encodes every value back to its own bits, and every NaN to the quiet one without sign', () => {
    inChunks(patterns, (chunk) => {
      const values = chunk.map((pattern) => valueOf(format, pattern));
      const expected = chunk.map((pattern, i) => (Number.isNaN(values[i]) ? format.nan : pattern));
      expect(encode(format, values)).toEqual(expected);
    });
  });

  it('rounds every midpoint, and the float64 values beside it, to nearest even in one rounding', () => {
    const magnitudes = patterns.slice(0, Number(format.infinity));
    const values = magnitudes.flatMap((pattern) => {
      const value = valueOf(format, pattern);
      // Beyond the largest value lies what would be the next one, not infinity.
      const isLargest = pattern + 1n === format.infinity;
      const above = isLargest ? 2 * value - valueOf(format, pattern - 1n) : valueOf(format, pattern + 1n);
      return neighbours((value + above) / 2);
    });
    expect(values).toHaveLength(3 * magnitudes.length);
    inChunks([...values, ...values.map((value) => -value)], (chunk) => {
      expect(encode(format, chunk)).toEqual(chunk.map((value) => bitsOf(format, value)));
    });
  });
});

it.each(FORMATS)('$dtype: rounds any float64 as whole-number arithmetic says', (format) => {
  const scaled = fc
    .tuple(fc.double({ min: 1, max: 2, noNaN: true }), fc.integer({ min: -160, max: 135 }))
    .map(([m, e]) => m * 2 ** e);
  const values = fc.array(fc.oneof(scaled, fc.double()), { maxLength: 40 });
  fc.assert(
    fc.property(values, (several) => {
      expect(encode(format, several)).toEqual(several.map((value) => bitsOf(format, value)));
    }),
    { numRuns: 1000, seed: 1 },
  );
});

it('BF16: 1 + 2^-8 + 2^-40 is 1.0078125, which a rounding to float32 on the way would make 1', () => {
  const [up, down] = encode(BF16, [1 + 2 ** -8 + 2 ** -40, 1 + 2 ** -8 - 2 ** -40]);
  expect([valueOf(BF16, up ?? 0n), valueOf(BF16, down ?? 0n)]).toEqual([1.0078125, 1]);
});

it('decodes 16-bit elements at any even offset', () => {
  new Uint8Array(kernel.memory).set([0x80, 0x3f, 0x00, 0xc0], slot(0) + 2);
  kernel.decode('BF16', slot(0) + 2, 2, slot(1));
  expect([...new Float64Array(kernel.memory, slot(1), 2)]).toEqual([1, -2]);
});

describe('arithmetic', () => {
  const a = [1, -0, Infinity, 5e-324, 1e308];
  const b = [2 ** -53, 0, Infinity, -5e-324, -1e308];
  const results = (): readonly number[] => [...new Float64Array(kernel.memory, slot(2), a.length)];

  it('is that of float64, value by value', () => {
    writeDoubles(kernel, slot(0), a);
    writeDoubles(kernel, slot(1), b);
    kernel.subtract(slot(2), slot(0), slot(1), a.length);
    expect(results()).toEqual([1 - 2 ** -53, -0, NaN, 1e-323, Infinity]);
    kernel.add(slot(2), slot(0), slot(1), a.length);
    expect(results()).toEqual([1, 0, Infinity, 0, 0]);
    kernel.scale(slot(2), -0.5, slot(0), a.length);
    expect(results()).toEqual([-0.5, 0, -Infinity, -0, -5e307]);
  });

  it('rounds a product before it is added', () => {
    writeDoubles(kernel, slot(0), [1 + 2 ** -30]);
    writeDoubles(kernel, slot(2), [-1 - 2 ** -29]);
    kernel.addScaled(slot(2), 1 + 2 ** -30, slot(0), 1);
    expect(results()[0]).toBe(0); // a fused product would leave 2^-60
  });

  it('works in place', () => {
    writeDoubles(kernel, slot(2), [3]);
    kernel.subtract(slot(2), slot(2), slot(2), 1);
    kernel.add(slot(2), slot(2), slot(2), 1);
    kernel.scale(slot(2), 2, slot(2), 1);
    expect(results()[0]).toBe(0);
  });
});

it('counts values that are not finite, and those that have become so', () => {
  writeDoubles(kernel, slot(0), [1, NaN, Infinity, -Infinity, 0, NaN]);
  writeDoubles(kernel, slot(1), [NaN, 1, Infinity, 2, 0, NaN]);
  expect(kernel.countNonFinite(slot(0), 6)).toBe(4);
  expect(kernel.countNewNonFinite(slot(0), slot(1), 6)).toBe(2);
  expect(kernel.countNonFinite(slot(0), 0)).toBe(0);
});

describe('measure', () => {
  const ELEVEN = Array.from({ length: 11 }, (_, i) => i + 1);
  const lanes = (sum: (typeof SUMS)[number]): readonly number[] => [
    ...new Float64Array(kernel.memory, 64 + SUMS.indexOf(sum) * LANES * 8, LANES),
  ];

  function measure(hasPrevious: boolean): void {
    new Uint8Array(kernel.memory, 64, SUMS_BYTES).fill(0);
    writeDoubles(kernel, slot(0), ELEVEN);
    writeDoubles(
      kernel,
      slot(1),
      ELEVEN.map((value) => 10 * value),
    );
    writeDoubles(
      kernel,
      slot(2),
      ELEVEN.map((value) => 11 * value + 2),
    );
    writeDoubles(
      kernel,
      slot(3),
      ELEVEN.map(() => 3),
    );
    const values = { moved: slot(0), target: slot(1), out: slot(2), previous: hasPrevious ? slot(3) : 0 };
    kernel.measure(64, values, ELEVEN.length);
  }

  it('adds element i to lane i mod 8', () => {
    measure(true);
    expect(lanes('moved')).toEqual([1 + 81, 4 + 100, 9 + 121, 16, 25, 36, 49, 64]);
    expect(lanes('target')).toEqual([8200, 10400, 13000, 1600, 2500, 3600, 4900, 6400]);
    expect(lanes('error')).toEqual([8, 8, 8, 4, 4, 4, 4, 4]);
    expect(lanes('previous')).toEqual([18, 18, 18, 9, 9, 9, 9, 9]);
    expect(lanes('dot')).toEqual([30, 36, 42, 12, 15, 18, 21, 24]);
  });

  it('leaves the sums with a previous delta alone where there is none', () => {
    measure(false);
    expect([...lanes('previous'), ...lanes('dot')].every((sum) => sum === 0)).toBe(true);
    expect(lanes('moved')[0]).toBe(82);
  });

  it('adds to what is there', () => {
    measure(true);
    const values = { moved: slot(0), target: slot(1), out: slot(2), previous: slot(3) };
    kernel.measure(64, values, ELEVEN.length);
    expect(lanes('moved')[3]).toBe(32);
  });
});

it('refuses operands outside its memory or not aligned, and writes nothing', () => {
  const small = createReferenceKernel(256);
  expect(() => small.decode('BF16', 200, 29, 0)).toThrow(RangeError);
  expect(() => small.decode('F32', 2, 1, 64)).toThrow(RangeError);
  expect(() => small.encode('F64', 0, 33, 0)).toThrow(RangeError);
  expect(() => small.add(4, 0, 0, 1)).toThrow(RangeError);
  expect(() => small.scale(0, 1, -8, 1)).toThrow(RangeError);
  expect(read(small, 0, 256)).toEqual(new Uint8Array(256));
});

it('has no faster way than the steps, says so, and writes nothing', () => {
  const fresh = referenceKernel();
  const operands = { target: slot(0), tuned: slot(1), base: slot(2), delta: slot(1), out: slot(3) };
  expect(fresh.recycle('BF16', operands, 8, 1, 64)).toBeNull();
  expect(fresh.apply('BF16', operands, 8, 1, 64)).toBeNull();
  expect(read(fresh, 0, slot(4)).every((byte) => byte === 0)).toBe(true);
});
