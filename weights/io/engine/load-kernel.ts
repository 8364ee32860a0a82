import { readFileSync } from 'node:fs';
import { toWeightsError } from '../fs-error.ts';

/** Which arithmetic is used; both give the same bits. */
export type KernelChoice = 'wasm' | 'typescript';

const COMPILED = new URL('../../ops/kernel.wasm', import.meta.url);
let compiled: WebAssembly.Module | null = null;

/** The compiled kernel, to be handed to threads; null for the one in TypeScript. Errors: WEIGHTS_FILE_MISSING, WEIGHTS_IO_FAILED. */
export function loadKernel(choice: KernelChoice): WebAssembly.Module | null {
  if (choice === 'typescript') return null;
  compiled ??= new WebAssembly.Module(readCompiled());
  return compiled;
}

function readCompiled(): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(COMPILED));
  } catch (error) {
    throw toWeightsError(error, COMPILED.pathname);
  }
}
