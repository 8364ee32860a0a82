import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT_BYTES, type FloatDtype } from '../../weights/dtype.ts';
import { decodeInto } from '../../weights/ops/decode-kernel.ts';
import { encodeInto } from '../../weights/ops/encode-kernel.ts';
import { BF16, bitsOf, F16, F32, valueOf, type Format } from './kernel/oracle.ts';

/** The bits of |value|, as a number. */
const reference = (format: Format, value: number): number => Number(bitsOf(format, Math.abs(value)));

function encode(dtype: FloatDtype, values: readonly number[]): { bits: readonly number[]; nonFinite: number } {
  const bytes = new Uint8Array(values.length * 8);
  const nonFinite = encodeInto(dtype, new Float64Array(values), values.length, bytes);
  const words = FLOAT_BYTES[dtype] === 2 ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer);
  return { bits: [...words.subarray(0, values.length)], nonFinite };
}

function decode(dtype: FloatDtype, bits: readonly number[]): readonly number[] {
  const into = new Float64Array(bits.length);
  decodeInto(dtype, new Uint8Array(new Uint16Array(bits).buffer), bits.length, into);
  return [...into];
}

function neighbours(value: number): readonly number[] {
  const bits = new BigInt64Array(new Float64Array([value]).buffer)[0] ?? 0n;
  return [...new Float64Array(new BigInt64Array([bits - 1n, bits, bits + 1n]).buffer)];
}

/** Between a pattern and the next one; beyond the largest, what that would be. */
function midpoint(format: Format, bits: number): number {
  const [value, step] = [
    valueOf(format, BigInt(bits)),
    valueOf(format, BigInt(bits)) - valueOf(format, BigInt(bits - 1)),
  ];
  const next = valueOf(format, BigInt(bits + 1));
  return Number.isFinite(next) ? (value + next) / 2 : value + step / 2;
}

const range = (end: number): readonly number[] => Array.from({ length: end }, (_, i) => i);

describe.each([BF16, F16])('$dtype', (format) => {
  const { dtype } = format;
  const infinity = Number(format.infinity);

  it('decodes every finite bit pattern to the value that the format defines, and encodes it back', () => {
    const positive = range(infinity);
    const values = positive.map((bits) => valueOf(format, BigInt(bits)));
    expect(decode(dtype, positive)).toEqual(values);
    expect(
      decode(
        dtype,
        positive.map((bits) => bits | 0x8000),
      ),
    ).toEqual(values.map((value) => -value));
    expect(encode(dtype, values)).toEqual({ bits: positive, nonFinite: 0 });
    expect(
      encode(
        dtype,
        values.map((value) => -value),
      ).bits,
    ).toEqual(positive.map((bits) => bits | 0x8000));
  });

  it('rounds every midpoint, and the float64 values beside it, to nearest even in one rounding', () => {
    // The neighbours of a midpoint are where rounding by way of float32 goes wrong.
    const values = range(infinity).flatMap((bits) => neighbours(midpoint(format, bits)));
    expect(values).toHaveLength(3 * infinity);
    expect(encode(dtype, values).bits).toEqual(values.map((value) => reference(format, value)));
    const negative = values.map((value) => -value);
    expect(encode(dtype, negative).bits).toEqual(values.map((value) => reference(format, value) | 0x8000));
  });

  it('keeps NaN, infinities and the sign of zero, and counts what is not finite', () => {
    const { bits, nonFinite } = encode(dtype, [Infinity, -Infinity, 1e300, -1e300, 0, -0, 5e-324, -5e-324, NaN]);
    expect(bits.slice(0, 8)).toEqual([infinity, infinity | 0x8000, infinity, infinity | 0x8000, 0, 0x8000, 0, 0x8000]);
    expect((bits[8] ?? 0) & 0x7fff).toBeGreaterThan(infinity);
    expect(nonFinite).toBe(5);
    expect(decode(dtype, [infinity, infinity | 0x8000, 0x8000])).toEqual([Infinity, -Infinity, -0]);
    expect(decode(dtype, [infinity | 1, 0x7fff, 0xffff]).every(Number.isNaN)).toBe(true);
  });
});

it.each([BF16, F16, F32])('$dtype: any float64 is rounded as whole-number arithmetic says', (format) => {
  const scaled = fc
    .tuple(fc.double({ min: 1, max: 2, noNaN: true }), fc.integer({ min: -160, max: 135 }))
    .map(([m, e]) => m * 2 ** e);
  fc.assert(
    fc.property(fc.oneof(scaled, fc.double({ noNaN: true })), (value) => {
      const magnitude = reference(format, value);
      const { bits, nonFinite } = encode(format.dtype, [Math.abs(value)]);
      expect(bits).toEqual([magnitude]);
      expect(nonFinite).toBe(magnitude === Number(format.infinity) ? 1 : 0);
    }),
    { numRuns: 5000, seed: 1 },
  );
});

it('F32 and F64 pass through unchanged', () => {
  const values = [1, -0, 0.1, 5e-324, -1.7e308];
  for (const dtype of ['F32', 'F64'] as const) {
    const bytes = new Uint8Array(values.length * 8);
    encodeInto(dtype, new Float64Array(values), values.length, bytes);
    const into = new Float64Array(values.length);
    decodeInto(dtype, bytes, values.length, into);
    expect([...into]).toEqual(dtype === 'F64' ? values : values.map(Math.fround));
  }
});

it('refuses buffers that are too short', () => {
  expect(() => {
    decodeInto('BF16', new Uint8Array(2), 2, new Float64Array(2));
  }).toThrow(RangeError);
  expect(() => encodeInto('F16', new Float64Array(1), 1, new Uint8Array(1))).toThrow(RangeError);
});
