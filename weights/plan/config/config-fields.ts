import { isRecord } from '../is-record.ts';

/** A parsed config.json or generation_config.json. */
export type Config = Readonly<Record<string, unknown>>;

/** A field that two models cannot both have their way in; dotted where nested; null: the config does not say. */
export interface ConfigConflict {
  readonly field: string;
  readonly base: unknown;
  readonly tuned: unknown;
  readonly target: unknown;
  /** Whose value the output has. */
  readonly taken: 'target' | 'tuned';
}

/** Fields that tell how a file came about, not what a model is. */
const VOLATILE: ReadonlySet<string> = new Set([
  '_attn_implementation_autoset',
  '_commit_hash',
  '_from_model_config',
  '_name_or_path',
  'dtype',
  'torch_dtype',
  'transformers_version',
]);

/**
 * The fields of a config by dotted name, without volatile ones and without those that say null, which is what transformers
 * reads an absent field as. Lists are values; objects are not, except empty ones.
 */
export function configFields(config: Config, prefix = ''): ReadonlyMap<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [key, value] of Object.entries(config)) {
    if (VOLATILE.has(key) || value === null) continue;
    const name = `${prefix}${key}`;
    if (isRecord(value) && Object.keys(value).length > 0) {
      for (const [nested, inner] of configFields(value, `${name}.`)) fields.set(nested, inner);
    } else fields.set(name, value);
  }
  return fields;
}

/** Whether two JSON values are the same; the order of keys does not matter. */
export function sameValue(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, i) => sameValue(item, other[i]));
  }
  if (isRecord(one) && isRecord(other)) {
    const keys = Object.keys(one);
    return (
      keys.length === Object.keys(other).length &&
      keys.every((key) => Object.hasOwn(other, key) && sameValue(one[key], other[key]))
    );
  }
  return one === other;
}
