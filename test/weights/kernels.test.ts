import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT_BYTES, type FloatDtype } from '../../weights/dtype.ts';
import { addScaledInto, addSquares, subtractInto } from '../../weights/ops/combine-kernel.ts';
import { decodeInto } from '../../weights/ops/decode-kernel.ts';
import { encodeInto } from '../../weights/ops/encode-kernel.ts';

interface Format {
  readonly dtype: FloatDtype;
  /** Significant bits, the hidden one included. */
  readonly precision: number;
  /** Exponent of the smallest subnormal. */
  readonly lowest: number;
  readonly infinity: number;
}

const BF16: Format = { dtype: 'BF16', precision: 8, lowest: -133, infinity: 0x7f80 };
const F16: Format = { dtype: 'F16', precision: 11, lowest: -24, infinity: 0x7c00 };
const F32: Format = { dtype: 'F32', precision: 24, lowest: -149, infinity: 0x7f800000 };

/** |value| = significand · 2^exponent, exactly. */
function exact(value: number): { significand: bigint; exponent: number } {
  const bits = new BigUint64Array(new Float64Array([Math.abs(value)]).buffer)[0] ?? 0n;
  const field = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  return field === 0
    ? { significand: fraction, exponent: -1074 }
    : { significand: fraction | (1n << 52n), exponent: field - 1075 };
}

/** Bits of |value| rounded to nearest even, in whole-number arithmetic. */
function reference({ precision, lowest, infinity }: Format, value: number): number {
  if (!Number.isFinite(value)) return infinity;
  const { significand, exponent } = exact(value);
  const unit = Math.max(exponent + significand.toString(2).length - precision, lowest);
  let steps: bigint;
  if (exponent >= unit) steps = significand << BigInt(exponent - unit);
  else {
    const divisor = 1n << BigInt(unit - exponent);
    const twice = 2n * (significand % divisor);
    steps = significand / divisor;
    if (twice > divisor || (twice === divisor && (steps & 1n) === 1n)) steps += 1n;
  }
  return Math.min((unit - lowest) * 2 ** (precision - 1) + Number(steps), infinity);
}

/** The value of a finite bit pattern without sign, from the format's definition. */
function valueOf({ precision, lowest }: Format, bits: number): number {
  const hidden = 2 ** (precision - 1);
  const field = Math.floor(bits / hidden);
  return field === 0 ? bits * 2 ** lowest : ((bits % hidden) + hidden) * 2 ** (lowest + field - 1);
}

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

const range = (end: number): readonly number[] => Array.from({ length: end }, (_, i) => i);

describe.each([BF16, F16])('$dtype', (format) => {
  const { dtype, infinity } = format;

  it('decodes every finite bit pattern to the value that the format defines, and encodes it back', () => {
    const positive = range(infinity);
    const values = positive.map((bits) => valueOf(format, bits));
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
    const values = range(infinity).flatMap((bits) =>
      neighbours((valueOf(format, bits) + valueOf(format, bits + 1)) / 2),
    );
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
      expect(nonFinite).toBe(magnitude === format.infinity ? 1 : 0);
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

describe('combine', () => {
  it('rounds a difference once to float32, and not at all for F64', () => {
    const differenceOf = (dtype: FloatDtype): number | undefined => {
      const tuned = new Float64Array([1]);
      subtractInto(tuned, new Float64Array([2 ** -30]), 1, dtype);
      return tuned[0];
    };
    expect(differenceOf('F32')).toBe(1);
    expect(differenceOf('F64')).toBe(1 - 2 ** -30);
  });

  it('sums the terms before it adds them to the target', () => {
    const target = new Float64Array([1e16]);
    addScaledInto(target, [new Float64Array([1]), new Float64Array([0.5])], [1, 2], 1);
    expect(target[0]).toBe(1e16 + 2);
  });

  it('leaves the sign of zero alone when there is nothing to add', () => {
    const target = new Float64Array([-0]);
    addScaledInto(target, [], [], 1);
    expect(target[0]).toBe(-0);
  });

  it('accumulates squares the same whatever the pieces', () => {
    const values = Float64Array.from({ length: 1000 }, (_, i) => Math.sin(i));
    const pieces = [0, 1, 17, 400, 1000];
    const inPieces = pieces.slice(1).reduce((sum, end, i) => {
      const piece = values.subarray(pieces[i], end);
      return addSquares(sum, piece, piece.length);
    }, 0);
    expect(inPieces).toBe(addSquares(0, values, values.length));
  });

  it('refuses buffers that are too short', () => {
    const short = new Float64Array(1);
    expect(() => {
      subtractInto(short, new Float64Array(2), 2, 'F32');
    }).toThrow(RangeError);
    expect(() => {
      decodeInto('BF16', new Uint8Array(2), 2, new Float64Array(2));
    }).toThrow(RangeError);
    expect(() => encodeInto('F16', short, 1, new Uint8Array(1))).toThrow(RangeError);
  });
});
