import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLanguageModel, type ScoreRequest } from '../../inference/index.ts';
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
  it('refuses a model of another family, by its name', async () => {
    const config = { model_type: 'mistral', architectures: ['MistralForCausalLM'] };
    expect(await openingOf({ config })).toEqual(
      refusal('INFERENCE_ARCHITECTURE_UNSUPPORTED', 'model_type is "mistral"', '"llama"'),
    );
  });

  it('refuses another activation and another RoPE at once, by their names', async () => {
    const config = { hidden_act: 'gelu', rope_scaling: { type: 'yarn', factor: 4 } };
    expect(await openingOf({ config })).toEqual(
      refusal('INFERENCE_ARCHITECTURE_UNSUPPORTED', 'hidden_act is "gelu"', 'rope_type is "yarn"'),
    );
  });

  it('refuses a rotary embedding of part of the head, and a head size that onnxruntime cannot rotate', async () => {
    expect(await openingOf({ config: { rope_parameters: { partial_rotary_factor: 0.5 } } })).toEqual(
      refusal('INFERENCE_ARCHITECTURE_UNSUPPORTED', 'partial_rotary_factor is 0.5'),
    );
    expect(await openingOf({ config: { head_dim: 8 } })).toEqual(
      refusal('INFERENCE_ARCHITECTURE_UNSUPPORTED', 'head_dim is 8', 'multiples of 16'),
    );
  });

  it('names every wrong field of config.json', async () => {
    const config = { vocab_size: '40', num_hidden_layers: 0, rope_scaling: { rope_type: 'linear' } };
    expect(await openingOf({ config })).toEqual(
      refusal('INFERENCE_CONFIG_INVALID', '`num_hidden_layers` 0', '`vocab_size` "40"', '`factor` missing'),
    );
    expect(await openingOf({ config: { num_key_value_heads: 3 } })).toEqual(
      refusal('INFERENCE_CONFIG_INVALID', '`num_key_value_heads` 3', 'a divisor of 2'),
    );
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
      await expect(model.score([good])).rejects.toMatchObject({ code: 'INFERENCE_NON_FINITE' });
    } finally {
      await model.close();
    }
  });
});
