import { readFileSync } from 'node:fs';
import { FLOAT_BYTES, type FloatDtype } from '../../../weights/dtype.ts';
import { SUMS_BYTES, type Kernel } from '../../../weights/ops/kernel.ts';
import { createReferenceKernel } from '../../../weights/ops/reference-kernel.ts';
import { createWasmKernel } from '../../../weights/ops/wasm-kernel.ts';

/** Elements that one call of these tests may have. */
export const MOST = 16_384;
/** Places in a kernel's memory, 16 bytes more than MOST float64 apart. */
const SLOT = MOST * 8 + 64;
const BYTES = 16 * SLOT;
const SUMS_AT = 64;
/** What lies in memory where nothing has been written. */
const UNTOUCHED = 0xa5;

export const slot = (index: number): number => 1024 + index * SLOT;

export function compiledModule(): WebAssembly.Module {
  const file = new URL('../../../weights/ops/kernel.wasm', import.meta.url);
  return new WebAssembly.Module(new Uint8Array(readFileSync(file)));
}

export const referenceKernel = (): Kernel => createReferenceKernel(BYTES);
export const wasmKernel = (): Kernel => createWasmKernel(compiledModule(), BYTES);

export function write(kernel: Kernel, at: number, bytes: Uint8Array): void {
  new Uint8Array(kernel.memory, at, bytes.length).set(bytes);
}

/** A copy of `sizeBytes` at `at`. */
export function read(kernel: Kernel, at: number, sizeBytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(kernel.memory, at, sizeBytes).slice();
}

export function writeDoubles(kernel: Kernel, at: number, values: readonly number[] | Float64Array): void {
  new Float64Array(kernel.memory, at, values.length).set(values);
}

/** The bits of float64 values; every NaN the same one, since sign and payload are the machine's. */
export function doubleBits(kernel: Kernel, at: number, count: number): BigUint64Array {
  const values = new Float64Array(kernel.memory.slice(at, at + count * 8));
  const bits = new BigUint64Array(values.buffer);
  for (let i = 0; i < count; i++) if (Number.isNaN(values[i])) bits[i] = 0x7ff8000000000000n;
  return bits;
}

/** Operands of a fused call: the stored bytes of all of them. */
export type FusedCase = {
  readonly dtype: FloatDtype;
  readonly count: number;
  readonly scale: number;
  readonly target: Uint8Array;
  readonly hasSums: boolean;
} & (
  | { readonly kind: 'recycle'; readonly tuned: Uint8Array; readonly base: Uint8Array }
  | { readonly kind: 'apply'; readonly delta: Uint8Array }
);

/** What a fused call leaves behind. */
export interface Outcome {
  /** Of the output, and of what lies behind it. */
  readonly bytes: Uint8Array;
  readonly newNonFinite: number | null;
  readonly sums: BigUint64Array;
}

/** The call itself. */
export function runFused(kernel: Kernel, fused: FusedCase): Outcome {
  const { dtype, count, scale } = fused;
  const [target, tuned, base, out] = [slot(0), slot(1), slot(2), slot(3)] as const;
  prepare(kernel, out);
  write(kernel, target, fused.target);
  const sums = fused.hasSums ? SUMS_AT : 0;
  let newNonFinite: number | null;
  if (fused.kind === 'recycle') {
    write(kernel, tuned, fused.tuned);
    write(kernel, base, fused.base);
    newNonFinite = kernel.recycle(dtype, { target, tuned, base, out }, count, scale, sums);
  } else {
    write(kernel, tuned, fused.delta);
    newNonFinite = kernel.apply(dtype, { target, delta: tuned, out }, count, scale, sums);
  }
  return outcome(kernel, fused, out, newNonFinite);
}

/** The same, step by step. */
export function runSteps(kernel: Kernel, fused: FusedCase): Outcome {
  const { dtype, count, scale } = fused;
  const [stored, target, moved, base, out] = [slot(8), slot(4), slot(5), slot(6), slot(7)] as const;
  const outBytes = slot(3);
  prepare(kernel, outBytes);
  const decode = (from: FloatDtype, bytes: Uint8Array, into: number): void => {
    write(kernel, stored, bytes);
    kernel.decode(from, stored, count, into);
  };
  decode(dtype, fused.target, target);
  if (fused.kind === 'apply') decode('F32', fused.delta, moved);
  else {
    decode(dtype, fused.tuned, moved);
    decode(dtype, fused.base, base);
    kernel.subtract(moved, moved, base, count);
  }
  kernel.scale(moved, scale, moved, count);
  kernel.add(out, target, moved, count);
  kernel.encode(dtype, out, count, outBytes);
  kernel.decode(dtype, outBytes, count, out);
  if (fused.hasSums) kernel.measure(SUMS_AT, { moved, target, out, previous: 0 }, count);
  return outcome(kernel, fused, outBytes, kernel.countNewNonFinite(out, target, count));
}

function prepare(kernel: Kernel, out: number): void {
  new Uint8Array(kernel.memory, out, SLOT).fill(UNTOUCHED);
  // Sums are added to: what was there before counts.
  writeDoubles(
    kernel,
    SUMS_AT,
    Array.from({ length: SUMS_BYTES / 8 }, (_, lane) => lane / 8),
  );
}

function outcome(kernel: Kernel, { dtype, count }: FusedCase, out: number, newNonFinite: number | null): Outcome {
  return {
    bytes: read(kernel, out, count * FLOAT_BYTES[dtype] + 64),
    newNonFinite,
    sums: doubleBits(kernel, SUMS_AT, SUMS_BYTES / 8),
  };
}
