import type { FamilyTraits } from './architecture.ts';

/** What most families have in common: norms before attention and before the inner layer, and nothing unusual. */
export const PLAIN = {
  norms: {
    beforeAttention: 'input_layernorm',
    afterAttention: null,
    beforeInner: 'post_attention_layernorm',
    afterInner: null,
  },
  normOffset: 0,
  queryKeyNorm: 'none',
  biases: { queryKeyValue: false, output: false, inner: false },
  embeddingScale: 1,
  attentionScale: null,
  attentionSoftcap: null,
  logitSoftcap: null,
} as const satisfies Partial<FamilyTraits>;
