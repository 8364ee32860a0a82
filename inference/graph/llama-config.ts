import { InferenceError } from '../errors.ts';

/** What a Llama graph is built from, read out of config.json. */
export interface LlamaConfig {
  readonly hiddenSize: number;
  readonly innerSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly vocabularySize: number;
  /** Longest sequence, in tokens. */
  readonly positions: number;
  readonly epsilon: number;
  readonly rope: RopeConfig;
}

/** Rotary embedding: default, linear or llama3 scaling. */
export type RopeConfig =
  | { readonly type: 'default'; readonly theta: number }
  | { readonly type: 'linear'; readonly theta: number; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly theta: number;
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositions: number;
    };

type Raw = Readonly<Record<string, unknown>>;

/**
 * Reads a Llama config.json, with transformers' defaults for what old files lack; `folder` is for messages only.
 *
 * Errors: INFERENCE_ARCHITECTURE_UNSUPPORTED for another model type, activation, RoPE or head size, by name;
 * INFERENCE_CONFIG_INVALID with every missing or wrong field.
 */
export function parseLlamaConfig(config: Raw, folder: string): LlamaConfig {
  const rope = ropeFields(config);
  assertSupported(config, rope, folder);
  const fields = new Fields(config);
  const hiddenSize = fields.integer('hidden_size');
  const heads = fields.integer('num_attention_heads');
  const keyValueHeads = fields.integer('num_key_value_heads', heads);
  const headSize = fields.integer('head_dim', hiddenSize / heads);
  if (fields.problems.length === 0 && heads % keyValueHeads !== 0) {
    fields.reject('num_key_value_heads', keyValueHeads, `a divisor of ${heads}`);
  }
  const parsed: LlamaConfig = {
    hiddenSize,
    innerSize: fields.integer('intermediate_size'),
    layers: fields.integer('num_hidden_layers'),
    heads,
    keyValueHeads,
    headSize,
    vocabularySize: fields.integer('vocab_size'),
    positions: fields.integer('max_position_embeddings', 2048),
    epsilon: fields.decimal('rms_norm_eps', 1e-6),
    rope: parseRope(new Fields(rope, fields.problems)),
  };
  if (fields.problems.length === 0) {
    // A limit of onnxruntime's attention with rotary embedding on CPU.
    if (headSize % 16 !== 0)
      throw unsupported([`head_dim is ${headSize}, and this engine scores multiples of 16`], folder);
    return parsed;
  }
  throw new InferenceError(
    'INFERENCE_CONFIG_INVALID',
    `Model ${folder}: config.json has ${fields.problems.join('; ')}; take config.json from the base model.`,
    { folder, problems: fields.problems },
  );
}

/** transformers 5 writes `rope_parameters`; before, it was `rope_theta` with `rope_scaling`. */
function ropeFields(config: Raw): Raw {
  const fields = { rope_theta: config['rope_theta'] ?? 10_000, ...record(config['rope_scaling']) };
  const all: Raw = { ...fields, ...record(config['rope_parameters']) };
  return { ...all, rope_type: all['rope_type'] ?? all['type'] ?? 'default' };
}

function assertSupported(config: Raw, rope: Raw, folder: string): void {
  const facts: readonly (readonly [string, unknown, readonly unknown[]])[] = [
    ['model_type', config['model_type'], ['llama']],
    ['hidden_act', config['hidden_act'] ?? 'silu', ['silu']],
    ['rope_type', rope['rope_type'], ['default', 'linear', 'llama3']],
    ['partial_rotary_factor', rope['partial_rotary_factor'] ?? config['partial_rotary_factor'] ?? 1, [1]],
  ];
  const found = facts.flatMap(([field, value, supported]) => {
    if (supported.includes(value)) return [];
    return [`${field} is ${show(value)}, and this engine scores ${supported.map(show).join(', ')}`];
  });
  if (found.length > 0) throw unsupported(found, folder);
}

function unsupported(found: readonly string[], folder: string): InferenceError {
  return new InferenceError(
    'INFERENCE_ARCHITECTURE_UNSUPPORTED',
    `Model ${folder}: ${found.join('; ')}; evaluate this model with another harness.`,
    { folder, found },
  );
}

function parseRope(fields: Fields): RopeConfig {
  const theta = fields.decimal('rope_theta');
  switch (fields.raw['rope_type']) {
    case 'linear':
      return { type: 'linear', theta, factor: fields.decimal('factor') };
    case 'llama3':
      return {
        type: 'llama3',
        theta,
        factor: fields.decimal('factor'),
        lowFrequencyFactor: fields.decimal('low_freq_factor'),
        highFrequencyFactor: fields.decimal('high_freq_factor'),
        originalPositions: fields.integer('original_max_position_embeddings'),
      };
    default:
      return { type: 'default', theta };
  }
}

/** Reads numbers out of a JSON object, and gathers what is wrong instead of stopping at the first. */
class Fields {
  readonly raw: Raw;
  readonly problems: string[];

  constructor(raw: Raw, problems: string[] = []) {
    this.raw = raw;
    this.problems = problems;
  }

  integer(field: string, fallback?: number): number {
    const value = this.raw[field] ?? fallback;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    return this.reject(field, this.raw[field], 'a whole number above 0');
  }

  decimal(field: string, fallback?: number): number {
    const value = this.raw[field] ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    return this.reject(field, this.raw[field], 'a number above 0');
  }

  /** Returns a number that later checks find nothing wrong with. */
  reject(field: string, found: unknown, expected: string): number {
    this.problems.push(`\`${field}\` ${found === undefined ? 'missing' : show(found)}, expected ${expected}`);
    return 2;
  }
}

function record(value: unknown): Raw {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
