import { FLOAT_BYTES, type FloatDtype } from '../dtype.ts';
import { SUMS_BYTES, type Kernel } from './kernel.ts';

/** Operands of a compiled operation: pointers, counts and factors. Operations that count return how many. */
type Operation = (...operands: readonly number[]) => number;
/** Refuses an operand of `count` elements of `width` bytes that is not whole inside the memory, at a multiple of `alignment`. */
type Check = (at: number, count: number, width: number, alignment?: number) => void;
type Lookup = (name: string) => Operation;

const PAGE_BYTES = 65_536;
/** How the compiled operations name the dtypes. */
const SUFFIXES: Readonly<Record<FloatDtype, string>> = { BF16: 'Bf16', F16: 'F16', F32: 'F32', F64: 'F64' };
const FUSED = ['BF16', 'F16', 'F32'] as const;
/** Alignment of the operands of `recycle` and `apply`. */
const FUSED_ALIGNMENT = 16;

/**
 * The compiled kernel over at least `bytes` zeroed bytes of its own, which never grow; `module` is weights/ops/kernel.wasm, and
 * may be shared by threads, each with its own kernel. Gives the same bits as the reference kernel: all arithmetic is float64, two
 * values at a time, and rounded once. It recycles and applies BF16, F16 and F32 in one pass; F64 gives null. Operands
 * are checked on every call; RangeError, before anything is written, where one leaves the `bytes` or is not
 * aligned, and where the machine has no memory left. TypeError where the module is not this kernel.
 */
export function createWasmKernel(module: WebAssembly.Module, bytes: number): Kernel {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const operation: Lookup = (name) => toOperation(exports, name);
  const check: Check = (at, count, width, alignment = width) => {
    assertInside(bytes, at, count, width, alignment);
  };
  return {
    name: 'wasm',
    memory: memory.buffer,
    ...createConversions(operation, check),
    ...createArithmetic(operation, check),
    ...createMeasures(operation, check),
    ...createFused(operation, check),
  };
}

function createConversions(operation: Lookup, check: Check): Pick<Kernel, 'decode' | 'encode'> {
  const decoders = byDtype((dtype) => operation(`decode${SUFFIXES[dtype]}`));
  const encoders = byDtype((dtype) => operation(`encode${SUFFIXES[dtype]}`));
  return {
    decode: (dtype, source, count, into) => {
      check(source, count, FLOAT_BYTES[dtype]);
      check(into, count, 8);
      decoders[dtype](source, count, into);
    },
    encode: (dtype, values, count, into) => {
      check(values, count, 8);
      check(into, count, FLOAT_BYTES[dtype]);
      encoders[dtype](values, count, into);
    },
  };
}

function createArithmetic(operation: Lookup, check: Check): Pick<Kernel, 'subtract' | 'scale' | 'add' | 'addScaled'> {
  const subtract = operation('subtract');
  const scale = operation('scale');
  const add = operation('add');
  const addScaled = operation('addScaled');
  const checkAll = (count: number, ...operands: readonly number[]): void => {
    for (const at of operands) check(at, count, 8);
  };
  return {
    subtract: (into, minuend, subtrahend, count) => {
      checkAll(count, into, minuend, subtrahend);
      subtract(into, minuend, subtrahend, count);
    },
    scale: (into, factor, values, count) => {
      checkAll(count, into, values);
      scale(into, factor, values, count);
    },
    add: (into, a, b, count) => {
      checkAll(count, into, a, b);
      add(into, a, b, count);
    },
    addScaled: (into, factor, values, count) => {
      checkAll(count, into, values);
      addScaled(into, factor, values, count);
    },
  };
}

function createMeasures(
  operation: Lookup,
  check: Check,
): Pick<Kernel, 'countNonFinite' | 'countNewNonFinite' | 'measure'> {
  const countNonFinite = operation('countNonFinite');
  const countNewNonFinite = operation('countNewNonFinite');
  const measure = operation('measure');
  return {
    countNonFinite: (values, count) => {
      check(values, count, 8);
      return countNonFinite(values, count);
    },
    countNewNonFinite: (out, reference, count) => {
      check(out, count, 8);
      check(reference, count, 8);
      return countNewNonFinite(out, reference, count);
    },
    measure: (sums, { moved, target, out, previous }, count) => {
      check(sums, SUMS_BYTES / 8, 8);
      for (const at of [moved, target, out, previous]) check(at, count, 8);
      measure(sums, moved, target, out, previous, count);
    },
  };
}

function createFused(operation: Lookup, check: Check): Pick<Kernel, 'recycle' | 'apply'> {
  const fused = (name: string): ReadonlyMap<FloatDtype, Operation> =>
    new Map(FUSED.map((dtype) => [dtype, operation(`${name}${SUFFIXES[dtype]}`)]));
  const recyclers = fused('recycle');
  const appliers = fused('apply');
  const checkSums = (sums: number): void => {
    if (sums !== 0) check(sums, SUMS_BYTES / 8, 8);
  };
  return {
    recycle: (dtype, { target, tuned, base, out }, count, scale, sums) => {
      const run = recyclers.get(dtype);
      if (run === undefined) return null;
      for (const at of [target, tuned, base, out]) check(at, count, FLOAT_BYTES[dtype], FUSED_ALIGNMENT);
      checkSums(sums);
      return run(target, tuned, base, out, count, scale, sums);
    },
    apply: (dtype, { target, delta, out }, count, scale, sums) => {
      const run = appliers.get(dtype);
      if (run === undefined) return null;
      for (const at of [target, out]) check(at, count, FLOAT_BYTES[dtype], FUSED_ALIGNMENT);
      check(delta, count, FLOAT_BYTES.F32, FUSED_ALIGNMENT);
      checkSums(sums);
      return run(target, delta, out, count, scale, sums);
    },
  };
}

function byDtype<Value>(make: (dtype: FloatDtype) => Value): Readonly<Record<FloatDtype, Value>> {
  return { BF16: make('BF16'), F16: make('F16'), F32: make('F32'), F64: make('F64') };
}

function toOperation(exports: Readonly<Record<string, unknown>>, name: string): Operation {
  const found = exports[name];
  if (typeof found !== 'function') {
    throw new TypeError(
      `kernel.wasm: exports ${typeof found} as \`${name}\`, expected a function; build the kernel anew.`,
    );
  }
  return found as Operation;
}

function assertInside(limit: number, at: number, count: number, width: number, alignment: number): void {
  const sizeBytes = count * width;
  const isWhole = Number.isSafeInteger(count) && count >= 0;
  if (isWhole && at >= 0 && at + sizeBytes <= limit && at % alignment === 0) return;
  throw new RangeError(
    `kernel: ${sizeBytes} bytes at ${at} were given, expected them inside ${limit} bytes, at a multiple of ${alignment}.`,
  );
}
