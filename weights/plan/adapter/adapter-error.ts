import { WeightsError } from '../../errors.ts';

/** An adapter_config.json that cannot be used: one sentence with up to five reasons, all of them in `details.reasons`. */
export function adapterError(path: string, reasons: readonly string[], advice: string): WeightsError {
  const more = reasons.length > 5 ? ` and ${String(reasons.length - 5)} more` : '';
  const message = `${path}: the adapter ${reasons.slice(0, 5).join('; ')}${more}; ${advice}.`;
  return new WeightsError('WEIGHTS_ADAPTER_INVALID', message, { path, reasons });
}
