import { parentPort, workerData } from 'node:worker_threads';
import { WeightsError, type WeightsErrorCode } from '../../errors.ts';
import type { FileResult } from './stream-file.ts';
import { StoppedError, streamFiles, type StreamOrder } from './stream-files.ts';

/** The one thing that a thread says, at its end. */
export type ThreadAnswer =
  | { readonly kind: 'done'; readonly files: readonly FileResult[] }
  | { readonly kind: 'stopped' }
  | {
      readonly kind: 'failed';
      readonly code: WeightsErrorCode | null;
      readonly message: string;
      readonly retryable: boolean;
      readonly details: Readonly<Record<string, unknown>>;
    };

function run(order: StreamOrder): ThreadAnswer {
  try {
    const stream = streamFiles(order);
    for (;;) {
      const next = stream.next();
      if (next.done === true) return { kind: 'done', files: next.value };
    }
  } catch (error) {
    if (error instanceof StoppedError) return { kind: 'stopped' };
    if (error instanceof WeightsError) {
      const { code, message, retryable, details } = error;
      return { kind: 'failed', code, message, retryable, details };
    }
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: 'failed', code: null, message, retryable: false, details: {} };
  }
}

parentPort?.postMessage(run(workerData as StreamOrder)); // made by start-thread.ts
