import { isRecord } from './is-record.ts';

/** Config fields that decide what a tensor's rows and columns mean. RoPE settings are not among them: they come from the target. */
const FIELDS = [
  'hidden_size',
  'num_hidden_layers',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
  'intermediate_size',
  'vocab_size',
  'num_experts',
  'num_local_experts',
  'n_embd',
  'n_layer',
  'n_head',
  'n_inner',
] as const;

/**
 * The fields of a config that define shapes, numbers only, with what transformers derives when a field is absent:
 * key-value heads default to attention heads, head_dim to hidden_size / heads. Reads `text_config` where there is one.
 */
export function shapeConfig(config: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> {
  const nested = config['text_config'];
  const merged = isRecord(nested) ? { ...config, ...nested } : config;
  const fields: Record<string, number> = {};
  for (const field of FIELDS) {
    const value = merged[field];
    if (typeof value === 'number') fields[field] = value;
  }
  const { hidden_size: hidden, num_attention_heads: heads } = fields;
  if (heads !== undefined) fields['num_key_value_heads'] ??= heads;
  if (heads !== undefined && hidden !== undefined) fields['head_dim'] ??= Math.floor(hidden / heads);
  return fields;
}
