import { f32Tensor, llamaConfig, writeModelFolder, type FixtureTensor } from '../support/safetensors.ts';

const VOCABULARY = 40;
const HIDDEN = 32;
const INNER = 48;

/** What a test changes about the model. */
export interface TinyLlamaOptions {
  /** Fields of config.json. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Changes the tensors before they are written. */
  readonly change?: (tensors: readonly FixtureTensor[]) => readonly FixtureTensor[];
}

/** Writes a Llama of one layer, 40 tokens and 64 positions, with fixed pseudo-random weights; returns its folder. */
export async function writeTinyLlama(folder: string, options: TinyLlamaOptions = {}): Promise<string> {
  const layer = 'model.layers.0';
  const shapes: readonly (readonly [string, readonly number[]])[] = [
    ['model.embed_tokens.weight', [VOCABULARY, HIDDEN]],
    ...['q', 'k', 'v', 'o'].map((part) => [`${layer}.self_attn.${part}_proj.weight`, [HIDDEN, HIDDEN]] as const),
    ...['gate', 'up'].map((part) => [`${layer}.mlp.${part}_proj.weight`, [INNER, HIDDEN]] as const),
    [`${layer}.mlp.down_proj.weight`, [HIDDEN, INNER]],
    [`${layer}.input_layernorm.weight`, [HIDDEN]],
    [`${layer}.post_attention_layernorm.weight`, [HIDDEN]],
    ['model.norm.weight', [HIDDEN]],
    ['lm_head.weight', [VOCABULARY, HIDDEN]],
  ];
  const next = generator(1);
  const tensors = shapes.map(([name, shape]) => {
    const values = Array.from({ length: shape.reduce((size, length) => size * length, 1) }, next);
    return f32Tensor(name, values, shape);
  });
  const config = llamaConfig({
    vocab_size: VOCABULARY,
    hidden_size: HIDDEN,
    intermediate_size: INNER,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-6,
    ...options.config,
  });
  return writeModelFolder(folder, { config, shards: { 'model.safetensors': options.change?.(tensors) ?? tensors } });
}

/** Numbers from −0.5 to 0.5, the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
}
