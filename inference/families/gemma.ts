import type { FamilyTraits } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';

const DEFAULT_QUERY_SCALAR = 256;

/** What Gemma 2 and Gemma 3 have in common. */
export function gemmaTraits(
  config: ConfigReader,
  hiddenSize: number,
): Pick<FamilyTraits, 'norms' | 'normOffset' | 'biases' | 'embeddingScale' | 'attentionScale'> {
  if (config.flag('use_bidirectional_attention')) {
    config.refuse('use_bidirectional_attention is true, and this engine runs causal attention');
  }
  const hasAttentionBias = config.flag('attention_bias');
  return {
    norms: {
      beforeAttention: 'input_layernorm',
      afterAttention: 'post_attention_layernorm',
      beforeInner: 'pre_feedforward_layernorm',
      afterInner: 'post_feedforward_layernorm',
    },
    normOffset: 1,
    biases: { queryKeyValue: hasAttentionBias, output: hasAttentionBias, inner: false },
    embeddingScale: Math.sqrt(hiddenSize),
    attentionScale: config.decimal('query_pre_attn_scalar', DEFAULT_QUERY_SCALAR) ** -0.5,
  };
}
