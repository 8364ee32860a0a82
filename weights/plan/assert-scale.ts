import { WeightsError } from '../errors.ts';

/** Fails with WEIGHTS_ARGUMENT_INVALID unless λ is a finite number; 0 and negative numbers are fine. */
export function assertScale(scale: number): void {
  if (Number.isFinite(scale)) return;
  const message = `scale: found ${String(scale)}, expected a finite number; 1 adds the whole delta.`;
  throw new WeightsError('WEIGHTS_ARGUMENT_INVALID', message, { scale: String(scale) });
}
