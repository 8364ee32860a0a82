import { PieceComputer } from '../../ops/compute-piece.ts';
import { layOutPieces } from '../../ops/piece-layout.ts';
import { createReferenceKernel } from '../../ops/reference-kernel.ts';
import { createWasmKernel } from '../../ops/wasm-kernel.ts';
import type { WorkPlan } from '../../plan/work-plan.ts';
import { OperandReader } from './operand-reader.ts';
import { streamFile, type FileResult } from './stream-file.ts';
import type { WriteOptions } from './growing-file.ts';

/** What every thread of one piece of work is told; plain data. */
export interface StreamOrder {
  readonly plan: WorkPlan;
  readonly folders: readonly string[];
  readonly journals: string;
  readonly write: WriteOptions;
  readonly health: boolean;
  /** Null: the one in TypeScript. */
  readonly kernel: WebAssembly.Module | null;
  /** Elements of a piece at most; undefined: the engine's choice. */
  readonly pieceElements: number | undefined;
  readonly shared: SharedArrayBuffer;
}

/** What threads share: whether to stop, which file is next, the tensor that was worked on last, elements done. */
export class SharedState {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #done: BigInt64Array;

  constructor(buffer = new SharedArrayBuffer(32)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, 4);
    this.#done = new BigInt64Array(buffer, 16, 1);
  }

  stop(): void {
    Atomics.store(this.#words, 0, 1);
  }

  get isStopped(): boolean {
    return Atomics.load(this.#words, 0) === 1;
  }

  /** Takes the next file; each number is given once. */
  takeFile(): number {
    return Atomics.add(this.#words, 1, 1);
  }

  advance(tensor: number, elements: number): void {
    Atomics.store(this.#words, 2, tensor);
    Atomics.add(this.#done, 0, BigInt(elements));
  }

  get progress(): { readonly tensor: number; readonly elements: number } {
    return { tensor: Atomics.load(this.#words, 2), elements: Number(Atomics.load(this.#done, 0)) };
  }
}

/** Streams files until none is left or somebody says stop; yields after every piece, returns the files that it finished. */
export function* streamFiles(order: StreamOrder): Generator<undefined, readonly FileResult[]> {
  const { plan, health } = order;
  const shared = new SharedState(order.shared);
  const layout = layOutPieces(plan, order.pieceElements);
  const { bytes } = layout;
  const kernel = order.kernel === null ? createReferenceKernel(bytes) : createWasmKernel(order.kernel, bytes);
  const reader = new OperandReader(kernel, layout);
  const computer = new PieceComputer(kernel, layout, health);
  const results: FileResult[] = [];
  try {
    for (let file = plan.files[shared.takeFile()]; file !== undefined; file = plan.files[shared.takeFile()]) {
      const stream = streamFile(file, { ...order, kernel, layout, reader, computer });
      for (;;) {
        if (shared.isStopped) {
          stream.throw(new StoppedError());
        }
        const next = stream.next();
        if (next.done === true) {
          results.push(next.value);
          break;
        }
        shared.advance(next.value.tensor, next.value.elements);
        yield undefined;
      }
    }
  } finally {
    reader.close();
  }
  return results;
}

/** The work was stopped by another thread or by the caller, who know why. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}
