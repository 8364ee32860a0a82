import { ropeOf } from '../rope/rope-config.ts';
import type { Family } from './architecture.ts';
import { PLAIN } from './plain.ts';

/** Llama 1 to 3, and what was trained in its shape. */
export const llama: Family = {
  modelType: 'llama',
  activationField: 'hidden_act',
  activation: 'silu',
  defaults: { positions: 2048, epsilon: 1e-6 },
  traits: (config, { layers, positions }) => {
    const hasAttentionBias = config.flag('attention_bias');
    return {
      ...PLAIN,
      biases: { queryKeyValue: hasAttentionBias, output: hasAttentionBias, inner: config.flag('mlp_bias') },
      layers: Array.from({ length: layers }, () => ({ window: null, rope: 0 })),
      ropes: [ropeOf(config, positions)],
    };
  },
};
