import { ropeOf } from '../rope/rope-config.ts';
import type { Family } from './architecture.ts';
import { PLAIN } from './plain.ts';

/** OLMo 2: norms after attention and inner layer instead of before, and one of all heads' queries and keys together. */
export const olmo2: Family = {
  modelType: 'olmo2',
  activationField: 'hidden_act',
  activation: 'silu',
  defaults: { positions: 2048, epsilon: 1e-5 },
  traits: (config, { layers, positions }) => {
    const hasAttentionBias = config.flag('attention_bias');
    return {
      ...PLAIN,
      norms: {
        beforeAttention: null,
        afterAttention: 'post_attention_layernorm',
        beforeInner: null,
        afterInner: 'post_feedforward_layernorm',
      },
      queryKeyNorm: 'all-heads',
      biases: { queryKeyValue: hasAttentionBias, output: hasAttentionBias, inner: false },
      layers: Array.from({ length: layers }, () => ({ window: null, rope: 0 })),
      ropes: [ropeOf(config, positions)],
    };
  },
};
