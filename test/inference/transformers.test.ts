import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { openLanguageModel, windowsOf, type LanguageModel, type ScoreResult } from '../../inference/index.ts';
import { makeModels } from './python.ts';

const CASES = [
  ...['untied', 'tied', 'shared-heads', 'one-key-head', 'own-head-size', 'narrow-heads', 'biased', 'llama3-rope'],
  ...['linear-rope', 'dynamic-rope', 'dynamic-narrow', 'yarn-rope', 'yarn-mscale', 'yarn-smooth', 'sharded'],
  ...['bf16', 'bf16-tied', 'f16', 'long', 'mistral', 'mistral-window', 'mistral-window-bf16', 'qwen2'],
  ...['qwen2-windows', 'qwen2-layer-types', 'qwen2-yarn-bf16', 'qwen3', 'qwen3-tied-windows', 'qwen3-bf16', 'olmo2'],
  ...['olmo2-shared-heads', 'olmo2-tied-f16', 'gemma2', 'gemma2-untied', 'gemma2-uncapped', 'gemma2-bf16', 'gemma3'],
  ...['gemma3-scaled', 'gemma3-sharded-bf16'],
];
const SHARDS = 5;
const ids = z.array(z.int());
const Judged = z.object({ prompt: ids, continuation: ids, logprobs: z.array(z.number()), greedy: z.boolean() });
const Expected = z.object({
  scores: z.array(Judged).length(10),
  distribution: z.object({ prompt: ids, logprobs: z.array(z.number()).length(97) }),
  texts: z.array(z.object({ prompt: ids, tokens: ids.length(32) })).length(3),
  perplexity: z.object({ tokens: ids, nats: z.number() }),
});

let root: string;
let expected: Readonly<Record<string, z.infer<typeof Expected>>>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'regraft-inference-'));
  expected = z.record(z.string(), Expected).parse(await makeModels(['models', root]));
}, 240_000);

afterAll(() => rm(root, { recursive: true, force: true }));

async function open(folder: string): Promise<LanguageModel> {
  const model = await openLanguageModel(folder);
  onTestFinished(() => model.close());
  return model;
}

function expectedOf(name: string): z.infer<typeof Expected> {
  const one = expected[name];
  if (one === undefined) throw new Error(`make-models.py made no ${name}`);
  return one;
}

/** The largest distance between our log-probabilities and those of transformers; NaN when counts differ. */
function distance(
  results: readonly ScoreResult[],
  theirs: readonly { readonly logprobs: readonly number[] }[],
): number {
  if (results.length !== theirs.length) return Number.NaN;
  return Math.max(
    ...results.flatMap(({ logProbabilitiesNats: ours }, index) => {
      const { logprobs } = theirs[index] ?? { logprobs: [] };
      if (ours.length !== logprobs.length) return Number.NaN;
      return ours.map((nats, token) => Math.abs(nats - (logprobs[token] ?? Number.NaN)));
    }),
  );
}

async function distanceOf(folder: string, name: string): Promise<number> {
  const { scores } = expectedOf(name);
  return distance(await (await open(folder)).score(scores), scores);
}

const greedyFlags = (rows: readonly { readonly greedy: boolean }[]): readonly boolean[] =>
  rows.map(({ greedy }) => greedy);

/** A folder with the same weights and a config.json that `change` made. */
async function withConfig(
  name: string,
  change: (config: Readonly<Record<string, unknown>>) => object,
): Promise<string> {
  const folder = await mkdtemp(join(root, `${name}-`));
  await link(join(root, name, 'model.safetensors'), join(folder, 'model.safetensors'));
  const config = z.looseObject({}).parse(JSON.parse(await readFile(join(root, name, 'config.json'), 'utf8')));
  await writeFile(join(folder, 'config.json'), JSON.stringify(change(config)));
  return folder;
}

describe('a model folder that transformers wrote', () => {
  it('is there for every case, with requests that are greedy and requests that are not', async () => {
    expect(Object.keys(expected)).toEqual(CASES);
    for (const name of CASES) {
      expect(new Set(greedyFlags(expectedOf(name).scores)), name).toEqual(new Set([true, false]));
    }
    expect(Math.max(...expectedOf('long').scores.map(({ logprobs }) => logprobs.length))).toBe(700);
    const files = await readdir(join(root, 'sharded'));
    expect(files.filter((file) => file.endsWith('.safetensors'))).toHaveLength(SHARDS);
  });

  it('gives the same numbers, bit for bit, when it is asked again', async () => {
    const { scores } = expectedOf('sharded');
    const [first, second] = [await open(join(root, 'sharded')), await open(join(root, 'sharded'))];
    const results = await first.score(scores);
    expect(await first.score(scores)).toEqual(results);
    expect(await second.score(scores)).toEqual(results);
  });

  it('scores a snapshot whose files are symbolic links into another folder, as a Hub cache is', async () => {
    const snapshot = join(root, 'hub', 'snapshots', 'abc');
    const blobs = join(root, 'hub', 'blobs');
    await mkdir(snapshot, { recursive: true });
    await mkdir(blobs);
    // Shards in two folders, so that their common folder is neither's own.
    for (const [index, file] of (await readdir(join(root, 'sharded'))).entries()) {
      const folder = join(blobs, index % 2 === 0 ? 'even' : 'odd');
      await mkdir(folder, { recursive: true });
      await link(join(root, 'sharded', file), join(folder, `blob-${index}`));
      await symlink(join(folder, `blob-${index}`), join(snapshot, file));
    }
    expect(await distanceOf(snapshot, 'sharded')).toBeLessThan(1e-4);
  });

  it('reads its RoPE from config files of before transformers 5', async () => {
    for (const name of ['llama3-rope', 'linear-rope', 'dynamic-rope', 'yarn-mscale', 'qwen2-yarn-bf16']) {
      const folder = await withConfig(name, ({ rope_parameters: parameters, ...config }) => {
        const { rope_theta, rope_type, ...others } = z.looseObject({ rope_theta: z.number() }).parse(parameters);
        return { ...config, rope_theta, rope_scaling: { type: rope_type, ...others } };
      });
      expect(await distanceOf(folder, name), name).toBeLessThan(1e-4);
    }
  });

  it('reads the windows and RoPEs of a Gemma 3 of before transformers 5', async () => {
    const folder = await withConfig('gemma3-scaled', (config) => ({
      ...config,
      rope_parameters: null,
      layer_types: null,
      rope_theta: 1_000_000,
      rope_local_base_freq: 10_000,
      rope_scaling: { rope_type: 'linear', factor: 8 },
      sliding_window_pattern: 2, // sliding, full, sliding
    }));
    expect(await distanceOf(folder, 'gemma3-scaled')).toBeLessThan(1e-4);
  });

  it('takes what config.json leaves out from the defaults of its family', async () => {
    for (const [name, fields] of [
      ['gemma2', ['attn_logit_softcapping', 'final_logit_softcapping', 'layer_types', 'tie_word_embeddings']],
      ['gemma3', ['rope_parameters', 'hidden_activation', 'attention_bias']],
      ['qwen2-windows', ['layer_types', 'rope_parameters', 'hidden_act']],
      ['olmo2', ['num_key_value_heads', 'rms_norm_eps', 'rope_parameters']],
      ['untied', ['num_key_value_heads', 'head_dim', 'rms_norm_eps', 'rope_parameters', 'attention_bias', 'mlp_bias']],
    ] as const) {
      const folder = await withConfig(name, (config) => {
        for (const field of fields) expect(config, name).toHaveProperty(field);
        return Object.fromEntries(Object.entries(config).filter(([field]) => !fields.some((one) => one === field)));
      });
      expect(await distanceOf(folder, name), name).toBeLessThan(1e-4);
    }
  });
});

for (const name of CASES) {
  describe(name, () => {
    let model: LanguageModel;
    beforeAll(async () => {
      model = await openLanguageModel(join(root, name));
    });
    afterAll(() => model.close());

    it('scores as transformers does in float32, within 1e-4 nats, and with the same greedy flags', async () => {
      const { scores, distribution } = expectedOf(name);
      for (const batchTokens of [2048, 7]) {
        const results = await model.score(scores, { batchTokens });
        expect(distance(results, scores)).toBeLessThan(1e-4);
        expect(greedyFlags(results)).toEqual(greedyFlags(scores));
      }
      const { prompt, logprobs } = distribution;
      const everyToken = await model.score(logprobs.map((_, token) => ({ prompt, continuation: [token] })));
      const one = logprobs.map((nats) => ({ logprobs: [nats] }));
      expect(distance(everyToken, one)).toBeLessThan(1e-4);
    });

    it('writes what transformers writes, in whatever batches and chunks', async () => {
      const { texts } = expectedOf(name);
      const requests = texts.map(({ prompt, tokens }) => ({ prompt, maxNewTokens: tokens.length }));
      const theirs = texts.map(({ tokens }) => ({ tokens, ended: 'length' }));
      for (const options of [{}, { batchSize: 1 }, { batchSize: 2, prefillTokens: 3 }]) {
        expect(await model.generate(requests, { endTokenIds: [], ...options }), JSON.stringify(options)).toEqual(
          theirs,
        );
      }
    });

    it('has the perplexity that transformers has, to 1e-5', async () => {
      const { tokens, nats } = expectedOf(name).perplexity;
      const results = await model.score(windowsOf(tokens, { positions: 24, stride: 10 }));
      const all = results.flatMap(({ logProbabilitiesNats }) => logProbabilitiesNats);
      expect(all).toHaveLength(tokens.length - 1);
      const ours = Math.exp(-all.reduce((sum, value) => sum + value, 0) / all.length);
      expect(Math.abs(ours / Math.exp(nats) - 1)).toBeLessThan(1e-5);
    });
  });
}
