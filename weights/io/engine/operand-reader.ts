import { closeSync, openSync, readSync } from 'node:fs';
import { dtypeBytes, FLOAT_BYTES, type Dtype } from '../../dtype.ts';
import { WeightsError } from '../../errors.ts';
import type { LeftMatrix } from '../../ops/compute-piece.ts';
import { decodeInto } from '../../ops/decode-kernel.ts';
import type { Kernel } from '../../ops/kernel.ts';
import { operandsOf, type PieceLayout } from '../../ops/piece-layout.ts';
import type { LowRankDelta, Part, Source } from '../../plan/work-plan.ts';
import { toWeightsError } from '../fs-error.ts';

type Stored = Omit<Source, 'dtype'> & { readonly dtype: Dtype };

/** Reads the operands of pieces into a kernel's memory; keeps files open until it is closed. One thread's own. */
export class OperandReader {
  readonly #memory: ArrayBuffer;
  readonly #layout: PieceLayout;
  readonly #files = new Map<string, number>();
  #loaded: { readonly delta: LowRankDelta; readonly left: LeftMatrix } | null = null;

  constructor(kernel: Kernel, layout: PieceLayout) {
    this.#memory = kernel.memory;
    this.#layout = layout;
  }

  /**
   * Reads `count` elements of every operand from `start` on. Errors: WEIGHTS_TENSOR_BOUNDS where a file has become shorter
   * since its header was checked, WEIGHTS_FILE_MISSING, WEIGHTS_IO_FAILED.
   */
  read({ expression }: Part, start: number, count: number): void {
    for (const [index, source] of operandsOf(expression).entries()) {
      const wide = dtypeBytes(source.dtype);
      const into = new Uint8Array(this.#memory, this.#layout.raw[index] ?? 0, count * wide);
      this.#fill(source, start * wide, into);
    }
  }

  /** The left matrix of a low-rank Δ, row by row; puts the right one into the kernel's memory. Read once for a whole part. */
  leftOf(delta: LowRankDelta): LeftMatrix {
    if (this.#loaded?.delta.left === delta.left) return this.#loaded.left; // also for other rows of it
    const { rows, rank, columns } = delta;
    const right = this.#matrix(delta.right, rank, columns, delta.isRightTransposed);
    new Float64Array(this.#memory, this.#layout.right, rank * columns).set(right);
    const left = this.#matrix(delta.left, rows, rank, delta.isLeftTransposed);
    this.#loaded = { delta, left };
    return left;
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
    this.#files.clear();
  }

  /** [rows, columns] as float64, whichever way it is stored. */
  #matrix(source: Source, rows: number, columns: number, isTransposed: boolean): Float64Array {
    const bytes = new Uint8Array(rows * columns * FLOAT_BYTES[source.dtype]);
    this.#fill(source, 0, bytes);
    const stored = new Float64Array(rows * columns);
    decodeInto(source.dtype, bytes, stored.length, stored);
    if (!isTransposed) return stored;
    const turned = new Float64Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        turned[row * columns + column] = stored[column * rows + row] ?? 0;
      }
    }
    return turned;
  }

  #fill(source: Stored, fromBytes: number, into: Uint8Array): void {
    try {
      const file = this.#fileAt(source.path);
      for (let done = 0; done < into.byteLength;) {
        const position = source.offsetBytes + fromBytes + done;
        const bytesRead = readSync(file, into, done, into.byteLength - done, position);
        if (bytesRead === 0) throw shortened(source);
        done += bytesRead;
      }
    } catch (error) {
      throw toWeightsError(error, source.path);
    }
  }

  #fileAt(path: string): number {
    const file = this.#files.get(path) ?? openSync(path, 'r');
    this.#files.set(path, file);
    return file;
  }
}

function shortened({ path, name }: Stored): WeightsError {
  const message = `${path}: the file ends inside tensor \`${name}\`, which was whole when its header was checked; leave models alone while they are read, and fetch this one again.`;
  return new WeightsError('WEIGHTS_TENSOR_BOUNDS', message, { path, tensor: name });
}
