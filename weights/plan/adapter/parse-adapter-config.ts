import { isRecord } from '../is-record.ts';
import { adapterError } from './adapter-error.ts';
import { findRefusals } from './find-refusals.ts';

/** What an adapter_config.json says, as far as it decides the weights. */
export interface AdapterConfig {
  /** The base model that the adapter names; null where it names none. */
  readonly baseModel: string | null;
  readonly rank: number;
  readonly alpha: number;
  /** Ranks and alphas of some modules: a regular expression for the end of a module's name, in the file's order. */
  readonly rankPattern: readonly ModulePattern[];
  readonly alphaPattern: readonly ModulePattern[];
  /** The scale is alpha / √rank instead of alpha / rank. */
  readonly useRslora: boolean;
  /** Weights are stored [in, out], as GPT-2's are. */
  readonly fanInFanOut: boolean;
  /** Modules that are stored whole; names are matched at their end. */
  readonly modulesToSave: readonly string[];
  /** The embedding's adapter counts for a head that is tied to it. */
  readonly ensureWeightTying: boolean;
}

/** A number for the modules whose names fit. */
export interface ModulePattern {
  readonly pattern: RegExp;
  readonly value: number;
}

const MERGE_FIRST = 'merge the adapter with PEFT (merge_and_unload) and give the merged model instead';

/**
 * Reads an adapter_config.json as PEFT does; absent fields have PEFT's defaults. Refuses, all reasons at once, what is not
 * base + scale·B·A: other PEFT methods, DoRA, trained biases, initialisations that change the base, and settings that are
 * unknown here. `path` is for messages. Error: WEIGHTS_ADAPTER_INVALID.
 */
export function parseAdapterConfig(text: string, path: string): AdapterConfig {
  const config = parse(text, path);
  const refusals = findRefusals(config);
  if (refusals.length > 0) throw adapterError(path, refusals, MERGE_FIRST);
  const reasons: string[] = [];
  const parsed: AdapterConfig = {
    baseModel: typeof config['base_model_name_or_path'] === 'string' ? config['base_model_name_or_path'] : null,
    rank: positive(config['r'] ?? 8, 'r', true, reasons),
    alpha: positive(config['lora_alpha'] ?? 8, 'lora_alpha', false, reasons),
    rankPattern: patterns(config, 'rank_pattern', true, reasons),
    alphaPattern: patterns(config, 'alpha_pattern', false, reasons),
    useRslora: config['use_rslora'] === true,
    fanInFanOut: config['fan_in_fan_out'] === true,
    modulesToSave: names(config['modules_to_save'], reasons),
    ensureWeightTying: config['ensure_weight_tying'] === true,
  };
  if (reasons.length > 0) throw adapterError(path, reasons, 'save the adapter again with PEFT');
  return parsed;
}

function parse(text: string, path: string): Readonly<Record<string, unknown>> {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    throw adapterError(path, ['has a config that is not JSON'], 'save the adapter again with PEFT');
  }
  if (isRecord(config)) return config;
  throw adapterError(path, ['has a config that is not a JSON object'], 'save the adapter again with PEFT');
}

/** A rank, or an alpha: alpha may be negative or zero, as PEFT lets it be. */
function positive(value: unknown, field: string, isRank: boolean, reasons: string[]): number {
  const isGood =
    typeof value === 'number' && Number.isFinite(value) && (!isRank || (Number.isInteger(value) && value > 0));
  if (isGood) return value;
  reasons.push(
    `has the ${field} ${JSON.stringify(value)}, which is not ${isRank ? 'a whole number above 0' : 'a number'}`,
  );
  return 1;
}

function patterns(
  config: Readonly<Record<string, unknown>>,
  field: string,
  isRank: boolean,
  reasons: string[],
): readonly ModulePattern[] {
  const entries = config[field] ?? {};
  if (!isRecord(entries)) {
    reasons.push(`has a ${field} that is not an object`);
    return [];
  }
  return Object.entries(entries).flatMap(([key, value]) => {
    const pattern = toPattern(key);
    if (pattern === null) reasons.push(`has the unreadable pattern ${JSON.stringify(key)} in ${field}`);
    const number = positive(value, `${field} of ${JSON.stringify(key)}`, isRank, reasons);
    return pattern === null ? [] : [{ pattern, value: number }];
  });
}

const MAX_PATTERN_LENGTH = 1000;

/** PEFT's `re.match(rf"(.*\.)?({key})$", name)`. */
function toPattern(key: string): RegExp | null {
  if (key.length > MAX_PATTERN_LENGTH) return null;
  try {
    return new RegExp(`^(?:.*\\.)?(?:${key})$`);
  } catch {
    return null;
  }
}

function names(value: unknown, reasons: string[]): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value;
  reasons.push('has modules_to_save that are not a list of names');
  return [];
}
