import { ropeOf } from '../rope/rope-config.ts';
import type { Family } from './architecture.ts';
import { PLAIN } from './plain.ts';

const DEFAULT_WINDOW = 4096;

/** Mistral: Llama with, before its version 0.2, one sliding window for all layers. */
export const mistral: Family = {
  modelType: 'mistral',
  activationField: 'hidden_act',
  activation: 'silu',
  defaults: { keyValueHeads: 8, positions: 131_072, epsilon: 1e-6 },
  traits: (config, { layers, positions }) => {
    const window = config.isNull('sliding_window') ? null : config.integer('sliding_window', DEFAULT_WINDOW);
    return {
      ...PLAIN,
      layers: Array.from({ length: layers }, () => ({ window, rope: 0 })),
      ropes: [ropeOf(config, positions)],
    };
  },
};
