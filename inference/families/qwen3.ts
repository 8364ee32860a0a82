import { ropeOf } from '../rope/rope-config.ts';
import type { Family } from './architecture.ts';
import { PLAIN } from './plain.ts';
import { qwenWindows } from './qwen-windows.ts';

/** Qwen 3: no biases, but a norm of each head's query and key. */
export const qwen3: Family = {
  modelType: 'qwen3',
  activationField: 'hidden_act',
  activation: 'silu',
  defaults: { headSize: 128, keyValueHeads: 32, positions: 32_768, epsilon: 1e-6 },
  traits: (config, { layers, positions }) => {
    const hasAttentionBias = config.flag('attention_bias');
    return {
      ...PLAIN,
      queryKeyNorm: 'each-head',
      biases: { queryKeyValue: hasAttentionBias, output: hasAttentionBias, inner: false },
      layers: qwenWindows(config, layers),
      ropes: [ropeOf(config, positions)],
    };
  },
};
