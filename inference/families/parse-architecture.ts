import type { Architecture } from './architecture.ts';
import { ConfigReader } from './config-reader.ts';
import { FAMILIES } from './families.ts';

/** onnxruntime's attention takes no others. */
const HEAD_SIZE_STEP = 8;
/** Fields that mixtures of experts name their number in. */
const EXPERTS = ['num_local_experts', 'num_experts', 'n_routed_experts'];

/**
 * Reads a config.json, with transformers' defaults for what it leaves out; `folder` is for messages only.
 *
 * Errors: INFERENCE_ARCHITECTURE_UNSUPPORTED with every reason (model type, activation, RoPE, layer types, head size,
 * quantisation, experts); INFERENCE_CONFIG_INVALID with every missing or wrong field.
 */
export function parseArchitecture(raw: Readonly<Record<string, unknown>>, folder: string): Architecture {
  const config = new ConfigReader(raw);
  const modelType = config.known('model_type', modelTypes());
  // Of an unknown family, the first one's rules find what else there is to refuse.
  const family = FAMILIES.find((one) => one.modelType === modelType) ?? FAMILIES[0];
  const { defaults } = family;
  refuseOthers(config);
  const hiddenSize = config.integer('hidden_size');
  const heads = config.integer('num_attention_heads');
  const positions = config.integer('max_position_embeddings', defaults.positions);
  const layers = config.integer('num_hidden_layers');
  const { layers: layerTraits, ropes, ...traits } = family.traits(config, { hiddenSize, layers, positions });
  const architecture: Architecture = {
    ...traits,
    layers: layerTraits,
    ropes,
    hiddenSize,
    innerSize: config.integer('intermediate_size'),
    heads,
    keyValueHeads: config.isNull('num_key_value_heads')
      ? heads
      : config.integer('num_key_value_heads', defaults.keyValueHeads ?? heads),
    headSize: config.integer(
      'head_dim',
      config.isNull('head_dim') ? hiddenSize / heads : (defaults.headSize ?? hiddenSize / heads),
    ),
    vocabularySize: config.integer('vocab_size'),
    positions: longest(positions, ropes),
    epsilon: config.decimal('rms_norm_eps', defaults.epsilon),
    activation: config.known(family.activationField, ['silu', 'gelu_pytorch_tanh'], family.activation),
  };
  checkHeads(config, architecture);
  config.assertGood(folder);
  return architecture;
}

function modelTypes(): [string, ...string[]] {
  const [first, ...others] = FAMILIES;
  return [first.modelType, ...others.map(({ modelType }) => modelType)];
}

function refuseOthers(config: ConfigReader): void {
  const heads = config.raw('architectures');
  const other: unknown = Array.isArray(heads) ? heads.find((head) => !String(head).endsWith('ForCausalLM')) : undefined;
  if (other !== undefined) {
    config.refuse(`architectures has ${JSON.stringify(other)}, and this engine runs causal language models`);
  }
  if (config.has('quantization_config')) {
    const method: unknown = config.object('quantization_config')?.raw('quant_method');
    const by = typeof method === 'string' ? ` by ${method}` : '';
    config.refuse(`quantization_config says that the weights are quantised${by}, and this engine runs plain weights`);
  }
  for (const field of EXPERTS) {
    if (config.has(field)) config.refuse(`${field} is ${String(config.raw(field))}, and this engine runs no experts`);
  }
}

function checkHeads(config: ConfigReader, { heads, keyValueHeads, headSize }: Architecture): void {
  if (!config.isGood) return;
  if (heads % keyValueHeads !== 0) config.reject('num_key_value_heads', `a divisor of ${heads}`);
  if (headSize % HEAD_SIZE_STEP !== 0) {
    config.refuse(`head_dim is ${headSize}, and this engine runs multiples of ${HEAD_SIZE_STEP}`);
  }
}

/** A dynamic RoPE stretches with the sequence: as far as its factor says that it holds. */
function longest(positions: number, ropes: Architecture['ropes']): number {
  const factors = ropes.map((rope) => (rope.type === 'dynamic' ? rope.factor : 1));
  return Math.max(positions, Math.floor(positions * Math.min(...factors)));
}
