import { ropeByLayerType } from '../rope/rope-config.ts';
import type { Family } from './architecture.ts';
import { gemmaTraits } from './gemma.ts';
import { layerTypes } from './layer-types.ts';

const DEFAULT_WINDOW = 4096;
const DEFAULT_PATTERN = 6;
const FULL = { layerType: 'full_attention', thetaField: 'rope_theta', theta: 1_000_000, isScaled: true };
const SLIDING = { layerType: 'sliding_attention', thetaField: 'rope_local_base_freq', theta: 10_000, isScaled: false };

/**
 * The text model of Gemma 3: a norm of each head's query and key, a sliding window in all layers but every sixth, and a RoPE of
 * its own for those that slide. transformers reads `attn_logit_softcapping` and does not use it, and neither does this.
 */
export const gemma3: Family = {
  modelType: 'gemma3_text',
  activationField: 'hidden_activation',
  activation: 'gelu_pytorch_tanh',
  defaults: { headSize: 256, keyValueHeads: 4, positions: 131_072, epsilon: 1e-6 },
  traits: (config, { hiddenSize, layers, positions }) => {
    const pattern = config.integer('sliding_window_pattern', DEFAULT_PATTERN);
    return {
      ...gemmaTraits(config, hiddenSize),
      queryKeyNorm: 'each-head',
      attentionSoftcap: null,
      logitSoftcap: config.optionalDecimal('final_logit_softcapping', null),
      layers: layerTypes(config, {
        layers,
        window: config.isNull('sliding_window') ? null : config.integer('sliding_window', DEFAULT_WINDOW),
        slides: (layer) => (layer + 1) % pattern !== 0,
        slidingRope: 1,
      }),
      ropes: [ropeByLayerType(config, positions, FULL), ropeByLayerType(config, positions, SLIDING)],
    };
  },
};
