import type { LayerTraits } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { layerTypes } from './layer-types.ts';

const DEFAULT_WINDOW = 4096;
const DEFAULT_FULL_LAYERS = 28;

/** Qwen's rule: with `use_sliding_window`, the layers from `max_window_layers` on slide. */
export function qwenWindows(config: ConfigReader, layers: number): readonly LayerTraits[] {
  const maySlide = config.flag('use_sliding_window') && !config.isNull('sliding_window');
  const window = maySlide ? config.integer('sliding_window', DEFAULT_WINDOW) : null;
  // `max_window_layers` may be 0: every layer slides.
  const first = config.raw('max_window_layers') === 0 ? 0 : config.integer('max_window_layers', DEFAULT_FULL_LAYERS);
  return layerTypes(config, { layers, window, slides: (layer) => window !== null && layer >= first });
}
