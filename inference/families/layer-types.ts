import type { LayerTraits } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';

export interface LayerTypesInput {
  readonly layers: number;
  /** Window of sliding layers, in tokens; null where none may slide. */
  readonly window: number | null;
  /** Which layers slide where config.json has no `layer_types`. */
  readonly slides: (layer: number) => boolean;
  /** Which RoPE sliding layers turn with (0); all others turn with 0. */
  readonly slidingRope?: number;
}

/** Which layers slide: `layer_types` where config.json has it, or else the family's rule. */
export function layerTypes(config: ConfigReader, input: LayerTypesInput): readonly LayerTraits[] {
  const { layers, window, slides, slidingRope = 0 } = input;
  return typesOf(config, layers, slides).map((isSliding) => {
    if (!isSliding) return { window: null, rope: 0 };
    if (window === null) config.reject('sliding_window', 'a window, because `layer_types` has sliding layers');
    return { window, rope: slidingRope };
  });
}

function typesOf(config: ConfigReader, layers: number, slides: (layer: number) => boolean): readonly boolean[] {
  if (!config.has('layer_types')) return Array.from({ length: layers }, (_, layer) => slides(layer));
  const types = config.raw('layer_types');
  if (!Array.isArray(types) || types.length !== layers) {
    config.reject('layer_types', `${layers} types, one a layer`);
    return [];
  }
  const unknown = new Set(types.filter((type) => type !== 'full_attention' && type !== 'sliding_attention'));
  for (const type of unknown) {
    config.refuse(
      `layer_types has ${JSON.stringify(type)}, and this engine runs "full_attention", "sliding_attention"`,
    );
  }
  return types.map((type) => type === 'sliding_attention');
}
