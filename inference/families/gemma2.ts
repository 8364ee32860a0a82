import { ropeOf } from '../rope/rope-config.ts';
import type { Family } from './architecture.ts';
import { gemmaTraits } from './gemma.ts';
import { layerTypes } from './layer-types.ts';

const DEFAULT_WINDOW = 4096;

/** Gemma 2: soft caps, and a sliding window in every other layer from the first on. */
export const gemma2: Family = {
  modelType: 'gemma2',
  activationField: 'hidden_activation',
  activation: 'gelu_pytorch_tanh',
  defaults: { headSize: 256, keyValueHeads: 4, positions: 8192, epsilon: 1e-6 },
  traits: (config, { hiddenSize, layers, positions }) => ({
    ...gemmaTraits(config, hiddenSize),
    queryKeyNorm: 'none',
    attentionSoftcap: config.optionalDecimal('attn_logit_softcapping', 50),
    logitSoftcap: config.optionalDecimal('final_logit_softcapping', 30),
    layers: layerTypes(config, {
      layers,
      window: config.isNull('sliding_window') ? null : config.integer('sliding_window', DEFAULT_WINDOW),
      slides: (layer) => layer % 2 === 0,
    }),
    ropes: [ropeOf(config, positions)],
  }),
};
