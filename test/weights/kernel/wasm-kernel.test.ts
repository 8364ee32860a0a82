import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT_BYTES, type FloatDtype } from '../../../weights/dtype.ts';
import { SUMS_BYTES, type Kernel } from '../../../weights/ops/kernel.ts';
import { createWasmKernel } from '../../../weights/ops/wasm-kernel.ts';
import { compiledModule, doubleBits, read, referenceKernel, slot, wasmKernel, write, writeDoubles } from './harness.ts';
import { BF16, F16, valueOf } from './oracle.ts';
import { FORMATS, store } from './patterns.ts';

const wasm = wasmKernel();
const reference = referenceKernel();
const DTYPES: readonly FloatDtype[] = ['BF16', 'F16', 'F32', 'F64'];
/** Whole rounds of two, four and eight, and every tail. */
const counts = fc.nat({ max: 67 });
const FACTORS = [0, -0, 1, -1, 0.5, 2, 0.37, 1e-3, -3.7, 1e30, 1e-30, 5e-324, 1e308, Infinity, NaN];
/** Where every operation of these tests writes. */
const INTO = slot(3);

/** Any float64: ordinary ones, all bit patterns, and those that lie on or beside midpoints of the narrower formats. */
const double = fc.oneof(
  fc.double(),
  fc.double({ min: -4, max: 4 }),
  fc.integer({ min: -0x20000, max: 0x20000 }).map((steps) => steps * 2 ** -9),
  fc
    .tuple(fc.nat(0xffff), fc.integer({ min: -1, max: 1 }), fc.integer({ min: 9, max: 52 }))
    .map(([pattern, beside, apart]) => valueOf(BF16, BigInt(pattern)) * (1 + 2 ** -8 + beside * 2 ** -apart)),
  fc
    .tuple(fc.nat(0xffff), fc.integer({ min: -1, max: 1 }), fc.integer({ min: 12, max: 52 }))
    .map(([pattern, beside, apart]) => valueOf(F16, BigInt(pattern)) * (1 + 2 ** -11 + beside * 2 ** -apart)),
  fc.integer({ min: -3, max: 3 }).map((steps) => steps * 2 ** -134 * (1 + 2 ** -17)),
);
const doubles = (count: number): fc.Arbitrary<number[]> => fc.array(double, { minLength: count, maxLength: count });
const three = counts.chain((count) => fc.tuple(doubles(count), doubles(count), doubles(count)));

/** Runs the same on both kernels, over the same operands at slots 0 to 2, and compares what is written and returned. */
function expectSame(
  operands: readonly (readonly number[])[],
  sizeBytes: number,
  run: (kernel: Kernel) => unknown,
): void {
  const [ours, theirs] = [wasm, reference].map((kernel) => {
    write(kernel, INTO, new Uint8Array(sizeBytes + 32).fill(0xa5));
    for (const [index, operand] of operands.entries()) writeDoubles(kernel, slot(index), operand);
    const returned = run(kernel);
    return { returned, kernel };
  });
  expect(ours?.returned).toEqual(theirs?.returned);
  expect(read(wasm, INTO + sizeBytes, 32)).toEqual(new Uint8Array(32).fill(0xa5));
}

describe('gives the bits of the reference kernel', () => {
  it.each(DTYPES)('when it decodes %s', (dtype) => {
    const bytes = counts.chain((count) => {
      const length = count * FLOAT_BYTES[dtype];
      return fc.uint8Array({ minLength: length, maxLength: length });
    });
    fc.assert(
      fc.property(bytes, fc.nat(7), (stored, shift) => {
        const count = stored.length / FLOAT_BYTES[dtype];
        const source = slot(0) + shift * FLOAT_BYTES[dtype];
        expectSame([], count * 8, (kernel) => {
          write(kernel, source, stored);
          kernel.decode(dtype, source, count, INTO);
          return doubleBits(kernel, INTO, count);
        });
      }),
      { numRuns: 500, seed: 2 },
    );
  });

  it.each(DTYPES)('when it encodes %s', (dtype) => {
    fc.assert(
      fc.property(counts.chain(doubles), fc.nat(7), (values, shift) => {
        const width = FLOAT_BYTES[dtype];
        const sizeBytes = values.length * width;
        expectSame([values], shift * width + sizeBytes, (kernel) => {
          kernel.encode(dtype, slot(0), values.length, INTO + shift * width);
          return read(kernel, INTO + shift * width, sizeBytes);
        });
      }),
      { numRuns: 3000, seed: 3 },
    );
  });

  it.each(['BF16', 'F16'] as const)('when it decodes each of the 65536 bit patterns of %s', (dtype) => {
    for (let first = 0; first < 65_536; first += 8192) {
      const stored = Uint16Array.from({ length: 8192 }, (_, i) => first + i);
      expectSame([], 8192 * 8, (kernel) => {
        write(kernel, slot(0), new Uint8Array(stored.buffer));
        kernel.decode(dtype, slot(0), 8192, INTO);
        return doubleBits(kernel, INTO, 8192);
      });
    }
  });

  it('when it subtracts, adds and scales', () => {
    fc.assert(
      fc.property(three, fc.constantFrom(...FACTORS), ([a, b, c], factor) => {
        const count = a.length;
        const operations: readonly ((kernel: Kernel) => void)[] = [
          (kernel) => kernel.subtract(INTO, slot(0), slot(1), count),
          (kernel) => kernel.add(INTO, slot(0), slot(1), count),
          (kernel) => kernel.scale(INTO, factor, slot(0), count),
          (kernel) => {
            writeDoubles(kernel, INTO, c);
            kernel.addScaled(INTO, factor, slot(1), count);
          },
        ];
        for (const operation of operations) {
          expectSame([a, b], count * 8, (kernel) => {
            operation(kernel);
            return doubleBits(kernel, INTO, count);
          });
        }
      }),
      { numRuns: 500, seed: 4 },
    );
  });

  it('when it works in place', () => {
    fc.assert(
      fc.property(three, ([a, b]) => {
        const count = a.length;
        expectSame([a, b], 0, (kernel) => {
          kernel.subtract(slot(0), slot(0), slot(1), count);
          kernel.subtract(slot(1), slot(0), slot(1), count);
          kernel.add(slot(0), slot(0), slot(1), count);
          kernel.scale(slot(0), 3, slot(0), count);
          return doubleBits(kernel, slot(0), count);
        });
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  it('when it counts what is not finite', () => {
    const mostlyOdd = fc.oneof(double, fc.constantFrom(NaN, Infinity, -Infinity, 1.7e308, -0));
    const pair = counts.chain((count) => {
      const values = fc.array(mostlyOdd, { minLength: count, maxLength: count });
      return fc.tuple(values, values);
    });
    fc.assert(
      fc.property(pair, ([a, b]) => {
        expectSame([a, b], 0, (kernel) => kernel.countNonFinite(slot(0), a.length));
        expectSame([a, b], 0, (kernel) => kernel.countNewNonFinite(slot(0), slot(1), a.length));
      }),
      { numRuns: 500, seed: 6 },
    );
  });

  it('when it measures, with a previous delta and without', () => {
    const finite = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 67, maxLength: 67 });
    const several = fc.tuple(finite, finite, finite, finite);
    fc.assert(
      fc.property(several, counts, fc.boolean(), ([moved, target, out, previous], count, hasPrevious) => {
        expectSame([moved, target, out], SUMS_BYTES, (kernel) => {
          writeDoubles(kernel, slot(4), previous);
          const start = Array.from({ length: SUMS_BYTES / 8 }, (_, lane) => lane / 3);
          writeDoubles(kernel, INTO, start);
          const values = { moved: slot(0), target: slot(1), out: slot(2), previous: hasPrevious ? slot(4) : 0 };
          kernel.measure(INTO, values, count);
          return doubleBits(kernel, INTO, start.length);
        });
      }),
      { numRuns: 1000, seed: 7 },
    );
  });
});

it('both kernels encode every NaN as the quiet one, whatever its sign and payload', () => {
  const payloads = [0x7ff8000000000000n, 0xfff8000000000000n, 0x7ff0000000000001n, 0xffffffffffffffffn];
  // Eight and more, and every place in a round.
  const patterns = Array.from({ length: 19 }, (_, i) => payloads[i % payloads.length] ?? 0n);
  for (const kernel of [wasm, reference]) {
    for (const format of Object.values(FORMATS)) {
      write(kernel, slot(0), new Uint8Array(BigUint64Array.from(patterns).buffer));
      kernel.encode(format.dtype, slot(0), patterns.length, INTO);
      const expected = store(
        format,
        patterns.map(() => format.nan),
      );
      expect(read(kernel, INTO, expected.length), `${kernel.name} ${format.dtype}`).toEqual(expected);
    }
  }
});

it('refuses operands outside its memory or not aligned, and writes nothing', () => {
  const small = createWasmKernel(compiledModule(), 1024);
  const operands = { target: 0, tuned: 0, base: 0, delta: 0, out: 512 };
  const measured = { moved: 0, target: 0, out: 0, previous: 0 };
  const refused: readonly (() => unknown)[] = [
    () => small.decode('BF16', 1000, 13, 0),
    () => small.decode('F32', 2, 1, 64),
    () => small.decode('BF16', 0, -1, 64),
    () => small.decode('BF16', 0, 0.5, 64),
    () => small.encode('F64', 0, 129, 0),
    () => small.subtract(0, 0, 1024, 1),
    () => small.add(4, 0, 0, 1),
    () => small.scale(0, 1, -8, 1),
    () => small.addScaled(0, 1, NaN, 1),
    () => small.countNonFinite(0, 129),
    () => small.countNewNonFinite(0, 8, 128),
    () => small.measure(712, measured, 8),
    () => small.recycle('BF16', { ...operands, base: 8 }, 8, 1, 0),
    () => small.recycle('BF16', operands, 257, 1, 0),
    () => small.apply('BF16', { ...operands, delta: 768 }, 65, 1, 0),
    () => small.apply('F32', operands, 8, 1, 712),
  ];
  for (const call of refused) expect(call, call.toString()).toThrow(RangeError);
  expect(read(small, 0, 1024)).toEqual(new Uint8Array(1024));
});

it('says what was given and what was expected', () => {
  const small = createWasmKernel(compiledModule(), 1024);
  expect(() => small.countNonFinite(1000, 4)).toThrow(
    'kernel: 32 bytes at 1000 were given, expected them inside 1024 bytes, at a multiple of 8.',
  );
});

it('does nothing for no elements', () => {
  const before = read(wasm, 0, 4096);
  for (const dtype of DTYPES) {
    wasm.decode(dtype, 1024, 0, 2048);
    wasm.encode(dtype, 1024, 0, 2048);
  }
  expect(wasm.recycle('BF16', { target: 1024, tuned: 1024, base: 1024, out: 2048 }, 0, 1, 64)).toBe(0);
  expect(read(wasm, 0, 4096)).toEqual(before);
});

it('has no faster way than the steps for F64, and says so', () => {
  const operands = { target: slot(0), tuned: slot(1), base: slot(2), delta: slot(1), out: slot(3) };
  expect(wasm.recycle('F64', operands, 8, 1, 0)).toBeNull();
  expect(wasm.apply('F64', operands, 8, 1, 0)).toBeNull();
});

it('keeps its memory apart from that of another kernel of the same module', () => {
  const module = compiledModule();
  const [one, other] = [createWasmKernel(module, 1024), createWasmKernel(module, 1024)];
  new Uint8Array(one.memory)[0] = 1;
  expect(new Uint8Array(other.memory)[0]).toBe(0);
});

it('refuses a module that is not the kernel', () => {
  // An empty module: the four magic bytes and the version.
  const empty = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  expect(() => createWasmKernel(empty, 1024)).toThrow(/exports undefined as `decodeBf16`/);
});
