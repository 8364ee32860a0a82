/** Settings that may say anything: they name things, or only decide how the adapter was trained. */
const HARMLESS: ReadonlySet<string> = new Set([
  'alpha_pattern',
  'auto_mapping',
  'base_model_name_or_path',
  'ensure_weight_tying',
  'eva_config',
  'exclude_modules',
  'fan_in_fan_out',
  'inference_mode',
  'layers_pattern',
  'layers_to_transform',
  'lora_alpha',
  'lora_dropout',
  'megatron_core',
  'modules_to_save',
  'peft_version',
  'qalora_group_size',
  'r',
  'rank_pattern',
  'revision',
  'target_modules',
  'task_type',
  'use_rslora',
]);

/** What a set setting makes of the adapter; where it is not set it does not matter. */
const REFUSED: Readonly<Record<string, string>> = {
  alora_invocation_tokens: 'is an aLoRA, which acts on some tokens only',
  arrow_config: 'routes between adapters (arrow_config)',
  corda_config: 'was initialised by CorDA, which changes the base',
  kasa_config: 'is a KaSA, whose difference is not B·A',
  layer_replication: 'repeats layers of the base (layer_replication)',
  loftq_config: 'was initialised by LoftQ, which changes the base',
  lora_bias: 'trains biases (lora_bias)',
  lora_ga_config: 'was initialised by LoRA-GA, which changes the base',
  megatron_config: 'belongs to a Megatron model (megatron_config)',
  monteclora_config: 'is a MonteCLoRA, whose difference is not B·A',
  target_parameters: 'adapts bare parameters (target_parameters)',
  trainable_token_indices: 'trains single embedding rows (trainable_token_indices)',
  use_bdlora: 'is block-diagonal (use_bdlora)',
  use_dora: 'is a DoRA, whose difference is not B·A',
  use_qalora: 'is a QALoRA, which pools its inputs',
  velora_config: 'is a VeLoRA (velora_config)',
};

/** Initialisations that leave the base as it is, so that the model is base + scale·B·A. */
const INITS: ReadonlySet<unknown> = new Set([true, false, undefined, null, 'gaussian', 'eva', 'orthogonal', 'mica']);

/** Everything in an adapter_config.json that makes the model something else than base + scale·B·A, as ends of a sentence. */
export function findRefusals(config: Readonly<Record<string, unknown>>): readonly string[] {
  const type = config['peft_type'];
  if (type !== 'LORA') return [`has the peft_type ${JSON.stringify(type ?? null)}, not "LORA"`];
  return Object.entries(config).flatMap(([field, value]) => refusalOf(field, value) ?? []);
}

function refusalOf(field: string, value: unknown): string | null {
  if (field === 'peft_type' || HARMLESS.has(field)) return null;
  if (field === 'init_lora_weights') {
    return INITS.has(value) ? null : `was initialised by ${JSON.stringify(value)}, which may change the base`;
  }
  if (!isSet(value) || (field === 'bias' && value === 'none')) return null;
  if (field === 'bias') return `trains biases (bias: ${JSON.stringify(value)})`;
  return (Object.hasOwn(REFUSED, field) ? REFUSED[field] : undefined) ?? `has the unknown setting ${field}`;
}

/** Whether a setting is anything but off: null, false, and what is empty is off. */
function isSet(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
