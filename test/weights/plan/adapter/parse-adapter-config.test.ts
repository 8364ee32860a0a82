import { describe, expect, it } from 'vitest';
import { parseAdapterConfig } from '../../../../weights/plan/adapter/parse-adapter-config.ts';
import { scaleOf } from '../../../../weights/plan/adapter/scale-of.ts';

/** What PEFT 0.21 writes for a plain LoRA; fields given override. */
function configText(fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    ...{ alora_invocation_tokens: null, alpha_pattern: {}, arrow_config: null, auto_mapping: null },
    ...{ base_model_name_or_path: 'base', bias: 'none', corda_config: null, ensure_weight_tying: false },
    ...{ eva_config: null, exclude_modules: null, fan_in_fan_out: false, inference_mode: true },
    ...{ init_lora_weights: true, kasa_config: null, layer_replication: null, layers_pattern: null },
    ...{ layers_to_transform: null, loftq_config: {}, lora_alpha: 16, lora_bias: false, lora_dropout: 0.05 },
    ...{ lora_ga_config: null, megatron_config: null, megatron_core: 'megatron.core', modules_to_save: null },
    ...{ monteclora_config: null, peft_type: 'LORA', peft_version: '0.21.2', qalora_group_size: 16, r: 8 },
    ...{ rank_pattern: {}, revision: null, target_modules: ['q_proj'], target_parameters: null },
    ...{ task_type: 'CAUSAL_LM', trainable_token_indices: null, use_bdlora: null, use_dora: false },
    ...{ use_qalora: false, use_rslora: false, velora_config: null },
    ...fields,
  });
}

const parse = (fields: Readonly<Record<string, unknown>> = {}) => parseAdapterConfig(configText(fields), 'a.json');

describe('an adapter config', () => {
  it('says rank, alpha and what is stored whole', () => {
    expect(parse({ modules_to_save: ['lm_head'], fan_in_fan_out: true })).toEqual({
      ...{ baseModel: 'base', rank: 8, alpha: 16, rankPattern: [], alphaPattern: [] },
      ...{ useRslora: false, fanInFanOut: true, modulesToSave: ['lm_head'], ensureWeightTying: false },
    });
  });

  it("has PEFT's defaults where it is silent", () => {
    expect(parseAdapterConfig('{"peft_type":"LORA"}', 'a.json')).toMatchObject({ rank: 8, alpha: 8, baseModel: null });
  });

  it('may have been initialised in any way that leaves the base as it is', () => {
    for (const init of [true, false, 'gaussian', 'eva', 'orthogonal', 'mica']) parse({ init_lora_weights: init });
  });

  it.each([
    [{ peft_type: 'IA3' }, 'has the peft_type "IA3", not "LORA"'],
    [{ peft_type: undefined }, 'has the peft_type null, not "LORA"'],
    [{ use_dora: true }, 'is a DoRA, whose difference is not B·A'],
    [{ bias: 'all' }, 'trains biases (bias: "all")'],
    [{ lora_bias: true }, 'trains biases (lora_bias)'],
    [{ megatron_config: { tp: 2 } }, 'belongs to a Megatron model (megatron_config)'],
    [{ loftq_config: { loftq_bits: 4 } }, 'was initialised by LoftQ, which changes the base'],
    [{ init_lora_weights: 'pissa_niter_16' }, 'was initialised by "pissa_niter_16", which may change the base'],
    [{ init_lora_weights: 'olora' }, 'was initialised by "olora", which may change the base'],
    [{ layer_replication: [[0, 4]] }, 'repeats layers of the base (layer_replication)'],
    [{ target_parameters: ['experts.w'] }, 'adapts bare parameters (target_parameters)'],
    [{ trainable_token_indices: [1] }, 'trains single embedding rows (trainable_token_indices)'],
    [{ alora_invocation_tokens: [1] }, 'is an aLoRA, which acts on some tokens only'],
    [{ use_something_new: true }, 'has the unknown setting use_something_new'],
  ])('is refused by name for %j', (fields, reason) => {
    expect(() => parse(fields)).toThrow(
      expect.objectContaining({
        code: 'WEIGHTS_ADAPTER_INVALID',
        message: `a.json: the adapter ${reason}; merge the adapter with PEFT (merge_and_unload) and give the merged model instead.`,
      }),
    );
  });

  it('is refused for all reasons at once', () => {
    const reasons = [expect.stringContaining('bias'), expect.stringContaining('DoRA')];
    expect(() => parse({ bias: 'all', use_dora: true })).toThrow(
      expect.objectContaining({ details: { path: 'a.json', reasons } }),
    );
  });

  it.each([
    '{',
    '[]',
    configText({ r: 0 }),
    configText({ r: 1.5 }),
    configText({ lora_alpha: '16' }),
    configText({ rank_pattern: [] }),
    configText({ rank_pattern: { q_proj: -1 } }),
    configText({ alpha_pattern: { '(': 1 } }),
    configText({ alpha_pattern: { [`(a+)+${'b'.repeat(1000)}`]: 1 } }),
    configText({ modules_to_save: 'lm_head' }),
  ])('of %s is refused', (text) => {
    expect(() => parseAdapterConfig(text, 'a.json')).toThrow(
      expect.objectContaining({ code: 'WEIGHTS_ADAPTER_INVALID' }),
    );
  });
});

describe('the scale of a module', () => {
  const module = 'model.layers.1.self_attn.q_proj';

  it('is alpha / r, or alpha / √r where the config says so', () => {
    expect(scaleOf(parse(), module)).toEqual({ rank: 8, scale: 2 });
    expect(scaleOf(parse({ use_rslora: true }), module)).toEqual({ rank: 8, scale: 16 / Math.sqrt(8) });
  });

  it.each([
    ['q_proj', true],
    ['self_attn.q_proj', true],
    ['model.layers.1.self_attn.q_proj', true],
    [String.raw`layers\.[0-3]\.self_attn\.(q|v)_proj`, true],
    ['^model.layers.1.self_attn.q_proj', true],
    ['proj', false],
    ['layers.1', false],
    ['^layers.1.self_attn.q_proj', false],
    ['k_proj|v_proj', false],
  ])('follows the pattern %s: %s', (pattern, fits) => {
    const config = parse({ rank_pattern: { [pattern]: 4 }, alpha_pattern: { [pattern]: 32 } });
    expect(scaleOf(config, module)).toEqual(fits ? { rank: 4, scale: 8 } : { rank: 8, scale: 2 });
  });

  it('follows the first pattern that fits, and ranks and alphas apart', () => {
    const config = parse({ rank_pattern: { 'self_attn.q_proj': 4, q_proj: 2 }, alpha_pattern: { k_proj: 1 } });
    expect(scaleOf(config, module)).toEqual({ rank: 4, scale: 4 });
  });
});
