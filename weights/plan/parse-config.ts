import { WeightsError } from '../errors.ts';
import { isRecord } from './is-record.ts';

/** A JSON object. Error: WEIGHTS_CONFIG_INVALID. */
export function parseConfig(text: string, path: string): Readonly<Record<string, unknown>> {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (cause) {
    throw new WeightsError('WEIGHTS_CONFIG_INVALID', `${path}: not JSON; write it again.`, { path }, { cause });
  }
  if (isRecord(config)) return config;
  throw new WeightsError('WEIGHTS_CONFIG_INVALID', `${path}: not a JSON object; write it again.`, { path });
}
