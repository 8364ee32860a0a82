import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  openLanguageModel,
  type GenerateOptions,
  type GenerateRequest,
  type GenerateResult,
  type LanguageModel,
} from '../../inference/index.ts';
import { temporaryFolder } from '../support/safetensors.ts';
import { writeTinyLlama } from './tiny-llama.ts';

async function open(): Promise<LanguageModel> {
  const model = await openLanguageModel(await writeTinyLlama(join(await temporaryFolder(), 'model')));
  onTestFinished(() => model.close());
  return model;
}

/** Texts of different lengths, all different. */
const REQUESTS: readonly GenerateRequest[] = Array.from({ length: 9 }, (_, request) => {
  const prompt = Array.from({ length: 1 + ((request * 5) % 17) }, (__, token) => (request * 7 + token * 11) % 40);
  return { prompt, maxNewTokens: 6 + ((request * 3) % 20) };
});
const FREELY: GenerateOptions = { endTokenIds: [] };

/** The text as far as its first end token. */
function cut({ tokens, ended }: GenerateResult, endTokenIds: readonly number[]): GenerateResult {
  const end = tokens.findIndex((token) => endTokenIds.includes(token));
  return end === -1 ? { tokens, ended } : { tokens: tokens.slice(0, end), ended: 'end-token' };
}

describe('generate', () => {
  it('writes the likeliest token after all before it, again and again', async () => {
    const model = await open();
    const results = await model.generate(REQUESTS, FREELY);
    expect(results.map(({ tokens }) => tokens.length)).toEqual(REQUESTS.map(({ maxNewTokens }) => maxNewTokens));
    const scored = await model.score(
      results.map(({ tokens }, index) => ({ prompt: REQUESTS[index]?.prompt ?? [], continuation: tokens })),
    );
    expect(scored.map(({ greedy }) => greedy)).toEqual(REQUESTS.map(() => true));
  });

  it('writes the same whatever else is written at once, and the same again', async () => {
    const model = await open();
    const results = await model.generate(REQUESTS, FREELY);
    expect(new Set(results.map(({ tokens }) => tokens.join())).size).toBe(REQUESTS.length);
    for (const options of [{}, { batchSize: 1 }, { batchSize: 3 }, { batchSize: 100 }, { prefillTokens: 1 }]) {
      expect(await model.generate(REQUESTS, { ...FREELY, ...options })).toEqual(results);
    }
    expect(await model.generate(REQUESTS.toReversed(), FREELY)).toEqual(results.toReversed());
  });

  it('ends a text at an end token, which is no part of it', async () => {
    const model = await open();
    const results = await model.generate(REQUESTS, FREELY);
    // Tokens that end some texts at once, some later, and some never.
    const endTokenIds = [results[0]?.tokens[0] ?? -1, results[1]?.tokens[4] ?? -1];
    const expected = results.map((result) => cut(result, endTokenIds));
    expect(new Set(expected.map(({ ended }) => ended))).toEqual(new Set(['end-token', 'length']));
    expect(expected[0]).toEqual({ tokens: [], ended: 'end-token' });
    for (const batchSize of [1, 2, 4, 9]) {
      expect(await model.generate(REQUESTS, { endTokenIds, batchSize })).toEqual(expected);
    }
  });

  it('asks after every new token whether to stop, and ends the text that was meant', async () => {
    const model = await open();
    const results = await model.generate(REQUESTS, FREELY);
    const asked = REQUESTS.map((): string[] => []);
    const stopped = await model.generate(REQUESTS, {
      ...FREELY,
      batchSize: 4,
      shouldStop: (request, tokens) => {
        asked[request]?.push(tokens.join());
        return request % 2 === 1 && tokens.length === 3;
      },
    });
    expect(stopped).toEqual(
      results.map(({ tokens, ended }, request) =>
        request % 2 === 1 ? { tokens: tokens.slice(0, 3), ended: 'stopped' } : { tokens, ended },
      ),
    );
    expect(asked).toEqual(stopped.map(({ tokens }) => tokens.map((_, index) => tokens.slice(0, index + 1).join())));
  });

  it('says stopped where the last token that was allowed is also where it was to stop', async () => {
    const model = await open();
    const request: GenerateRequest = { prompt: [3], maxNewTokens: 2 };
    const [free] = await model.generate([request], FREELY);
    const stop = { ...FREELY, shouldStop: (_: number, tokens: readonly number[]) => tokens.length === 2 };
    expect(await model.generate([request], stop)).toEqual([{ tokens: free?.tokens, ended: 'stopped' }]);
  });

  it('reports each text that ended, up to their number', async () => {
    const model = await open();
    const progress: (readonly [number, number])[] = [];
    await model.generate(REQUESTS, { ...FREELY, batchSize: 2, onProgress: (...step) => progress.push(step) });
    expect(progress).toEqual(REQUESTS.map((_, index) => [index + 1, REQUESTS.length]));
  });

  it('rejects with the reason of an abort, and what a caller threw, after which it still writes', async () => {
    const model = await open();
    const results = await model.generate(REQUESTS, FREELY);
    const controller = new AbortController();
    const reason = new Error('the release was superseded');
    let asked = 0;
    const aborted = model.generate(REQUESTS, {
      ...FREELY,
      signal: controller.signal,
      shouldStop: () => {
        asked += 1;
        if (asked === 20) controller.abort(reason);
        return false;
      },
    });
    await expect(aborted).rejects.toBe(reason);
    expect(asked).toBeLessThan(30);
    await expect(model.generate(REQUESTS, { ...FREELY, signal: controller.signal })).rejects.toBe(reason);
    const thrown = model.generate(REQUESTS, {
      ...FREELY,
      shouldStop: () => {
        throw reason;
      },
    });
    await expect(thrown).rejects.toBe(reason);
    expect(await model.generate(REQUESTS, FREELY)).toEqual(results);
  });
});
