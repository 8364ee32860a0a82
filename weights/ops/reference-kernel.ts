import { FLOAT_BYTES, type FloatDtype } from '../dtype.ts';
import { decodeInto } from './decode-kernel.ts';
import { encodeInto } from './encode-kernel.ts';
import { LANES, SUMS, SUMS_BYTES, type Kernel } from './kernel.ts';

/**
 * The kernel in plain TypeScript over `bytes` zeroed bytes of its own: slow, obvious, and the yardstick for every other one.
 * All arithmetic is float64; only `encode` rounds. It has no faster way to `recycle` or `apply` than the steps one by one, and
 * says so with null. Operands lie where `Kernel` says; one that leaves the memory or is not aligned throws RangeError before
 * anything is written.
 */
export function createReferenceKernel(bytes: number): Kernel {
  const memory = new ArrayBuffer(bytes);
  const doubles = (at: number, count: number): Float64Array<ArrayBuffer> => new Float64Array(memory, at, count);
  const elements = (dtype: FloatDtype, at: number, count: number): Uint8Array<ArrayBuffer> =>
    new Uint8Array(memory, at, count * FLOAT_BYTES[dtype]);
  return {
    name: 'typescript',
    memory,
    decode: (dtype, source, count, into) => {
      decodeInto(dtype, elements(dtype, source, count), count, doubles(into, count));
    },
    encode: (dtype, values, count, into) => {
      encodeInto(dtype, doubles(values, count), count, elements(dtype, into, count));
    },
    subtract: (into, minuend, subtrahend, count) => {
      subtract(doubles(into, count), doubles(minuend, count), doubles(subtrahend, count));
    },
    scale: (into, factor, values, count) => {
      scale(doubles(into, count), factor, doubles(values, count));
    },
    add: (into, a, b, count) => {
      add(doubles(into, count), doubles(a, count), doubles(b, count));
    },
    addScaled: (into, factor, values, count) => {
      addScaled(doubles(into, count), factor, doubles(values, count));
    },
    countNonFinite: (values, count) => countNonFinite(doubles(values, count)),
    countNewNonFinite: (out, reference, count) => countNewNonFinite(doubles(out, count), doubles(reference, count)),
    measure: (sums, { moved, target, out, previous }, count) => {
      measure(doubles(sums, SUMS_BYTES / 8), {
        moved: doubles(moved, count),
        target: doubles(target, count),
        out: doubles(out, count),
        previous: previous === 0 ? null : doubles(previous, count),
      });
    },
    recycle: () => null,
    apply: () => null,
  };
}

function subtract(into: Float64Array, minuend: Float64Array, subtrahend: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i] = minuend[i]! - subtrahend[i]!;
}

function scale(into: Float64Array, factor: number, values: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i] = factor * values[i]!;
}

function add(into: Float64Array, a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i] = a[i]! + b[i]!;
}

function addScaled(into: Float64Array, factor: number, values: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i] = into[i]! + factor * values[i]!;
}

function countNonFinite(values: Float64Array): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) count++;
  return count;
}

function countNewNonFinite(out: Float64Array, reference: Float64Array): number {
  let count = 0;
  for (let i = 0; i < out.length; i++) if (!Number.isFinite(out[i]) && Number.isFinite(reference[i])) count++;
  return count;
}

interface MeasuredViews {
  readonly moved: Float64Array;
  readonly target: Float64Array;
  readonly out: Float64Array;
  readonly previous: Float64Array | null;
}

/** `sums` holds the LANES of every sum, one sum after another in the order of SUMS. */
function measure(sums: Float64Array, { moved, target, out, previous }: MeasuredViews): void {
  const lanesOf = (name: (typeof SUMS)[number]): Float64Array => sums.subarray(SUMS.indexOf(name) * LANES);
  const squaresOfMoved = lanesOf('moved');
  const squaresOfTarget = lanesOf('target');
  const squaresOfError = lanesOf('error');
  for (let i = 0; i < moved.length; i++) {
    const m = moved[i]!;
    const t = target[i]!;
    const error = out[i]! - t - m;
    squaresOfMoved[i % LANES]! += m * m;
    squaresOfTarget[i % LANES]! += t * t;
    squaresOfError[i % LANES]! += error * error;
  }
  if (previous === null) return;
  const squaresOfPrevious = lanesOf('previous');
  const dots = lanesOf('dot');
  for (let i = 0; i < moved.length; i++) {
    const p = previous[i]!;
    squaresOfPrevious[i % LANES]! += p * p;
    dots[i % LANES]! += moved[i]! * p;
  }
}
