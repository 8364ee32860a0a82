import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLanguageModel, type GenerateRequest, type ScoreRequest } from '../../inference/index.ts';
import { f32Tensor, f64Tensor, temporaryFolder } from '../support/safetensors.ts';
import { writeTinyLlama, type TinyLlamaOptions } from './tiny-llama.ts';

async function write(options: TinyLlamaOptions = {}): Promise<string> {
  return writeTinyLlama(join(await temporaryFolder(), 'model'), options);
}

async function openingOf(options: TinyLlamaOptions): Promise<unknown> {
  return openLanguageModel(await write(options)).then(
    async (model) => model.close(),
    (error: unknown) => error,
  );
}

const escape = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);

const containing = (parts: readonly string[]): unknown =>
  expect.stringMatching(new RegExp(parts.map(escape).join('.*')));

/** An error with this code whose message holds the parts, in order. */
const refusal = (code: string, ...parts: readonly string[]): unknown =>
  expect.objectContaining({ code, retryable: false, message: containing(parts) });

describe('openLanguageModel', () => {
  it('refuses a model of another family, by its name, and whatever else it cannot do', async () => {
    const config = {
      model_type: 'mixtral',
      architectures: ['MixtralForCausalLM'],
      hidden_act: 'relu2',
      num_local_experts: 8,
      quantization_config: { quant_method: 'gptq', bits: 4 },
      rope_scaling: { type: 'longrope', factor: 4 },
    };
    const error = await openingOf({ config });
    expect(error).toEqual(
      refusal('INFERENCE_ARCHITECTURE_UNSUPPORTED', 'model_type is "mixtral"', '"llama", "mistral", "qwen2"', 'gptq'),
    );
    expect(error).toMatchObject({
      details: {
        found: [
          expect.stringContaining('model_type is "mixtral"'),
          expect.stringContaining('quantised by gptq'),
          expect.stringContaining('num_local_experts is 8'),
          expect.stringContaining('type is "longrope"'),
          expect.stringContaining('hidden_act is "relu2"'),
        ],
      },
    });
  });

  it('refuses a head that is no language model', async () => {
    const config = { architectures: ['LlamaForSequenceClassification'] };
    expect(await openingOf({ config })).toEqual(
      refusal('INFERENCE_ARCHITECTURE_UNSUPPORTED', 'architectures has "LlamaForSequenceClassification"'),
    );
  });

  it('refuses what a family could be configured to do and transformers does otherwise', async () => {
    for (const [config, found] of [
      [{ rope_parameters: { partial_rotary_factor: 0.5 } }, 'partial_rotary_factor is 0.5'],
      [{ rope_parameters: { full_attention: { rope_type: 'default' } } }, 'rope_parameters differ by layer'],
      [{ head_dim: 20 }, 'head_dim is 20, and this engine runs multiples of 8'],
      [{ model_type: 'gemma2', use_bidirectional_attention: true }, 'use_bidirectional_attention is true'],
      [{ model_type: 'qwen3', layer_types: ['linear_attention'] }, 'layer_types has "linear_attention"'],
    ] as const) {
      expect(await openingOf({ config }), found).toEqual(refusal('INFERENCE_ARCHITECTURE_UNSUPPORTED', found));
    }
  });

  it('names every wrong field of config.json', async () => {
    const config = { vocab_size: '40', num_hidden_layers: 0, rope_scaling: { rope_type: 'linear' } };
    expect(await openingOf({ config })).toEqual(
      refusal('INFERENCE_CONFIG_INVALID', '`num_hidden_layers` 0', '`factor` missing', '`vocab_size` "40"'),
    );
    for (const [fields, ...found] of [
      [{ num_key_value_heads: 3 }, '`num_key_value_heads` 3', 'a divisor of 2'],
      [{ attention_bias: 'no' }, '`attention_bias` "no", expected true or false'],
      [{ model_type: 'qwen2', layer_types: ['sliding_attention'] }, '`sliding_window` missing, expected a window'],
      [{ model_type: 'gemma2', layer_types: [] }, '`layer_types` [], expected 1 types, one a layer'],
      [{ model_type: 'gemma2', final_logit_softcapping: -1 }, '`final_logit_softcapping` -1'],
    ] as const) {
      expect(await openingOf({ config: fields }), found.join()).toEqual(refusal('INFERENCE_CONFIG_INVALID', ...found));
    }
  });

  it('names a bias that config.json says is there and the files lack', async () => {
    const error = await openingOf({ config: { attention_bias: true } });
    expect(error).toEqual(refusal('INFERENCE_TENSOR_MISSING', '4 tensors', 'self_attn.q_proj.bias'));
  });

  it('names every missing tensor, the head of an untied model too', async () => {
    const gone = ['lm_head.weight', 'model.norm.weight'];
    const error = await openingOf({ change: (tensors) => tensors.filter(({ name }) => !gone.includes(name)) });
    expect(error).toEqual(refusal('INFERENCE_TENSOR_MISSING', '2 tensors'));
    expect(error).toMatchObject({ details: { missing: ['model.norm.weight', 'lm_head.weight'] } });
  });

  it('refuses tensors of another shape than config.json says, before a token could read past a table', async () => {
    expect(await openingOf({ config: { vocab_size: 41 } })).toEqual(
      refusal('INFERENCE_TENSOR_SHAPE', '2 tensors', 'is [40, 32] where config.json says [41, 32]'),
    );
  });

  it('refuses weights of a dtype that it cannot compute with', async () => {
    const norm = f64Tensor('model.norm.weight', new Array<number>(32).fill(1));
    const change: TinyLlamaOptions['change'] = (tensors) =>
      tensors.map((tensor) => (tensor.name === norm.name ? norm : tensor));
    expect(await openingOf({ change })).toEqual(refusal('INFERENCE_DTYPE_UNSUPPORTED', 'model.norm.weight', 'F64'));
  });

  it('passes on why a folder is no model, with its code', async () => {
    await expect(openLanguageModel(await temporaryFolder())).rejects.toMatchObject({ code: 'WEIGHTS_FILE_MISSING' });
  });
});

describe('score', () => {
  const good: ScoreRequest = { prompt: [1], continuation: [2] };

  it('refuses bad requests by index before any work, and stays open', async () => {
    const model = await openLanguageModel(await write());
    const progress: number[] = [];
    const options = { onProgress: (done: number) => progress.push(done) };
    const scoreOf = async (...requests: readonly ScoreRequest[]): Promise<unknown> =>
      model.score(requests, options).catch((error: unknown) => error);
    try {
      for (const [prompt, continuation, wrong] of [
        [[40], [1], '40'],
        [[1], [-1], '-1'],
        [[1, 1.5], [1], '1.5'],
        [[1], [Number.NaN], 'NaN'],
      ] as const) {
        expect(await scoreOf(good, { prompt, continuation })).toEqual(
          refusal('INFERENCE_TOKEN_OUT_OF_RANGE', `request 1 has token id ${wrong}`, 'expected 0 to 39'),
        );
      }
      expect(await scoreOf({ prompt: [], continuation: [1] })).toEqual(refusal('INFERENCE_EMPTY_REQUEST', 'request 0'));
      expect(await scoreOf({ prompt: [1], continuation: [] })).toEqual(refusal('INFERENCE_EMPTY_REQUEST', 'request 0'));
      const long = new Array<number>(60).fill(3);
      expect(await scoreOf({ prompt: long, continuation: [1, 2, 3, 4, 5, 6] })).toEqual(
        refusal('INFERENCE_SEQUENCE_TOO_LONG', 'needs 65 positions', '64'),
      );
      expect(await scoreOf({ prompt: [99], continuation: [1] }, good, { prompt: [], continuation: [] })).toEqual(
        refusal('INFERENCE_TOKEN_OUT_OF_RANGE', 'request 0', 'request 2 has 0 prompt'),
      );
      expect(progress).toEqual([]);
      expect(await scoreOf({ prompt: long, continuation: [1, 2, 3, 4, 5] })).toHaveLength(1);
      expect(await scoreOf()).toEqual([]);
    } finally {
      await model.close();
    }
  });

  it('refuses to call a broken model a bad one: a weight that is not a number is an error', async () => {
    const broken = f32Tensor('model.norm.weight', new Array<number>(32).fill(Number.NaN));
    const change: TinyLlamaOptions['change'] = (tensors) =>
      tensors.map((tensor) => (tensor.name === broken.name ? broken : tensor));
    const model = await openLanguageModel(await write({ change }));
    try {
      const error = { code: 'INFERENCE_NON_FINITE', details: { request: 0, token: 0 } };
      await expect(model.score([good])).rejects.toMatchObject(error);
      const writing = model.generate([{ prompt: [1], maxNewTokens: 3 }], { endTokenIds: [] });
      await expect(writing).rejects.toMatchObject(error);
    } finally {
      await model.close();
    }
  });
});

describe('generate', () => {
  it('refuses bad requests by index before any work', async () => {
    const model = await openLanguageModel(await write());
    const asked: number[] = [];
    const generateOf = async (...requests: readonly GenerateRequest[]): Promise<unknown> =>
      model
        .generate(requests, { endTokenIds: [], shouldStop: (request) => asked.push(request) < 0 })
        .catch((error: unknown) => error);
    const fine: GenerateRequest = { prompt: [1], maxNewTokens: 2 };
    try {
      for (const [request, code, ...found] of [
        [{ prompt: [], maxNewTokens: 2 }, 'INFERENCE_EMPTY_REQUEST', 'request 1 has 0 prompt tokens'],
        [{ prompt: [1], maxNewTokens: 0 }, 'INFERENCE_EMPTY_REQUEST', 'maxNewTokens of 0'],
        [{ prompt: [1], maxNewTokens: 1.5 }, 'INFERENCE_EMPTY_REQUEST', 'maxNewTokens of 1.5'],
        [{ prompt: [1, 40], maxNewTokens: 2 }, 'INFERENCE_TOKEN_OUT_OF_RANGE', 'has token id 40', 'expected 0 to 39'],
        [{ prompt: [1], maxNewTokens: 64 }, 'INFERENCE_SEQUENCE_TOO_LONG', 'needs 65 positions', '64'],
      ] as const) {
        expect(await generateOf(fine, request)).toEqual(refusal(code, ...found));
      }
      expect(asked).toEqual([]);
      expect(await generateOf({ prompt: [1], maxNewTokens: 63 })).toMatchObject([{ ended: 'length' }]);
      expect(asked).toHaveLength(63);
      expect(await generateOf()).toEqual([]);
      expect(model.limits).toEqual({ vocabularySize: 40, positions: 64 });
    } finally {
      await model.close();
    }
  });
});
