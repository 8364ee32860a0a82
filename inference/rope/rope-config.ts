import type { ConfigReader } from '../families/config-reader.ts';

/** A rotary embedding and how it was stretched beyond the positions that it was trained on. */
export type RopeConfig = { readonly theta: number } & (
  | { readonly type: 'default' }
  | { readonly type: 'linear'; readonly factor: number }
  | { readonly type: 'dynamic'; readonly factor: number; readonly originalPositions: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositions: number;
    }
  | {
      readonly type: 'yarn';
      readonly factor: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly originalPositions: number;
      /** Whether the ends of the ramp are rounded outwards to whole dimensions. */
      readonly isTruncated: boolean;
      /** What cosines and sines are multiplied with. */
      readonly attentionFactor: number;
    }
);

const TYPES = ['default', 'linear', 'dynamic', 'llama3', 'yarn'] as const;
const DEFAULT_THETA = 10_000;

/** The one RoPE of a model: `rope_scaling` where it says something, as files before transformers 5 do, or `rope_parameters`. */
export function ropeOf(config: ConfigReader, positions: number): RopeConfig {
  const rope = config.object('rope_scaling') ?? config.object('rope_parameters') ?? config.empty();
  for (const layerType of ['full_attention', 'sliding_attention']) {
    if (rope.has(layerType)) config.refuse(`rope_parameters differ by layer, and this family has one RoPE`);
  }
  return parseRope(config, rope, { positions, theta: config.decimal('rope_theta', DEFAULT_THETA) });
}

/** Where the RoPE of one layer type is written, and its default base. */
export interface LayerRope {
  readonly layerType: string;
  readonly thetaField: string;
  readonly theta: number;
  /** Whether an old file's `rope_scaling` is about it. */
  readonly isScaled: boolean;
}

/** The RoPE of one layer type, of a family that has one for each. */
export function ropeByLayerType(config: ConfigReader, positions: number, layer: LayerRope): RopeConfig {
  const old = layer.isScaled ? config.object('rope_scaling') : null;
  const rope = config.object('rope_parameters')?.object(layer.layerType) ?? old ?? config.empty();
  return parseRope(config, rope, { positions, theta: config.decimal(layer.thetaField, layer.theta) });
}

/** What a RoPE takes from outside its own object. */
interface Defaults {
  readonly theta: number;
  /** `max_position_embeddings`. */
  readonly positions: number;
}

function parseRope(config: ConfigReader, rope: ConfigReader, defaults: Defaults): RopeConfig {
  refusePartial(config, rope);
  const { positions } = defaults;
  const theta = rope.decimal('rope_theta', defaults.theta);
  const type = rope.known(rope.has('rope_type') ? 'rope_type' : 'type', TYPES, 'default');
  if (type === 'default') return { type, theta };
  const originalPositions = originalOf(config, rope, positions);
  switch (type) {
    case 'linear':
      return { type, theta, factor: rope.decimal('factor') };
    case 'dynamic':
      // transformers measures it against `max_position_embeddings`.
      return { type, theta, factor: rope.decimal('factor'), originalPositions: positions };
    case 'llama3':
      return {
        type,
        theta,
        factor: rope.decimal('factor'),
        lowFrequencyFactor: rope.decimal('low_freq_factor'),
        highFrequencyFactor: rope.decimal('high_freq_factor'),
        originalPositions,
      };
    case 'yarn':
      return yarn(rope, { theta, positions, originalPositions });
  }
}

function refusePartial(config: ConfigReader, rope: ConfigReader): void {
  const holder = rope.has('partial_rotary_factor') ? rope : config;
  const factor = holder.raw('partial_rotary_factor') ?? 1;
  if (factor !== 1) {
    config.refuse(`partial_rotary_factor is ${JSON.stringify(factor)}, and this engine rotates whole heads`);
  }
}

function yarn(
  rope: ConfigReader,
  { theta, positions, originalPositions }: Defaults & { readonly originalPositions: number },
): RopeConfig {
  const factor = rope.decimal('factor', rope.isNull('factor') ? positions / originalPositions : undefined);
  return {
    type: 'yarn',
    theta,
    factor,
    betaFast: orDefault(rope, 'beta_fast', 32),
    betaSlow: orDefault(rope, 'beta_slow', 1),
    originalPositions,
    isTruncated: rope.flag('truncate', true),
    attentionFactor: rope.has('attention_factor') ? rope.decimal('attention_factor') : yarnAttention(rope, factor),
  };
}

function yarnAttention(rope: ConfigReader, factor: number): number {
  const scaleOf = (weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  const [one, all] = [orDefault(rope, 'mscale', 0), orDefault(rope, 'mscale_all_dim', 0)];
  return one !== 0 && all !== 0 ? scaleOf(one) / scaleOf(all) : scaleOf(1);
}

/** A number above 0; 0 counts as not said. */
function orDefault(rope: ConfigReader, field: string, fallback: number): number {
  return !rope.has(field) || rope.raw(field) === 0 ? fallback : rope.decimal(field);
}

/** The positions that the model was trained on before it was stretched. */
function originalOf(config: ConfigReader, rope: ConfigReader, positions: number): number {
  const field = 'original_max_position_embeddings';
  if (config.has(field)) return config.integer(field);
  return rope.integer(field, positions);
}
