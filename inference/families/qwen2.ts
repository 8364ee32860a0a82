import { ropeOf } from '../rope/rope-config.ts';
import type { Family } from './architecture.ts';
import { PLAIN } from './plain.ts';
import { qwenWindows } from './qwen-windows.ts';

/** Qwen 2 and 2.5: Llama with biases of queries, keys and values. */
export const qwen2: Family = {
  modelType: 'qwen2',
  activationField: 'hidden_act',
  activation: 'silu',
  defaults: { keyValueHeads: 32, positions: 32_768, epsilon: 1e-6 },
  traits: (config, { layers, positions }) => ({
    ...PLAIN,
    biases: { queryKeyValue: true, output: false, inner: false },
    layers: qwenWindows(config, layers),
    ropes: [ropeOf(config, positions)],
  }),
};
