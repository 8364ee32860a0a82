import { WeightsError } from '../errors.ts';

/** Throws WEIGHTS_ABORTED (retryable) once the caller's signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  const message = 'The work was aborted by its caller before it was complete; nothing was kept, run it again.';
  throw new WeightsError('WEIGHTS_ABORTED', message, {}, { cause: signal.reason, retryable: true });
}
