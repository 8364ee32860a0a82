import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLanguageModel, type LanguageModel, type ScoreRequest } from '../../inference/index.ts';
import { RuntimeThread } from '../../inference/io/runtime-thread.ts';
import { temporaryFolder } from '../support/safetensors.ts';
import { writeTinyLlama } from './tiny-llama.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const REQUEST: ScoreRequest = { prompt: [1, 5], continuation: [9, 11] };
/** None that onnxruntime could open. */
const NO_MODEL = {
  ...{ model: Uint8Array.of(1, 2, 3), root: '/', threads: 1, isPrepacked: false },
  layout: { names: [], heads: 1, headSize: 8 },
};

/** Requests of 40 tokens, all different. */
function manyRequests(count: number): readonly ScoreRequest[] {
  return Array.from({ length: count }, (_, request) => {
    const prompt = Array.from({ length: 30 }, (_, token) => (request * 7 + token * 11) % 40);
    return { prompt, continuation: prompt.slice(0, 10).reverse() };
  });
}

async function open(): Promise<LanguageModel> {
  const model = await openLanguageModel(await writeTinyLlama(join(await temporaryFolder(), 'model')));
  onTestFinished(() => model.close());
  return model;
}

/** Worker threads of this process that are alive. */
const liveThreads = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;

describe('a model scores in a thread of its own', () => {
  it('and the event loop of the caller turns meanwhile', async () => {
    const model = await open();
    const requests = manyRequests(4000);
    let [ticks, longestMs, last] = [0, 0, performance.now()];
    const timer = setInterval(() => {
      const now = performance.now();
      [ticks, longestMs, last] = [ticks + 1, Math.max(longestMs, now - last), now];
    }, 2);
    const begin = performance.now();
    // All in one call of the graph: in this thread, it would let no timer fire.
    await model.score(requests, { batchTokens: 1_000_000 });
    const elapsedMs = performance.now() - begin;
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(10);
    expect(longestMs).toBeLessThan(elapsedMs / 2);
  });

  it('and calls that overlap get each their own results', async () => {
    const model = await open();
    const requests = manyRequests(24);
    const together = await model.score(requests, { batchTokens: 1 });
    const apart = await Promise.all(
      requests.map(async (request) => (await model.score([request], { batchTokens: 1 }))[0]),
    );
    expect(apart).toEqual(together);
    expect(new Set(together.map(({ logProbabilitiesNats }) => logProbabilitiesNats[0])).size).toBe(24);
  });

  it('and texts are written while others are scored, each call with its own results', async () => {
    const model = await open();
    const requests = manyRequests(12);
    const texts = requests.slice(0, 6).map(({ prompt }) => ({ prompt, maxNewTokens: 12 }));
    const apart = [await model.score(requests, { batchTokens: 1 }), await model.generate(texts, { endTokenIds: [] })];
    const together = await Promise.all([
      model.score(requests, { batchTokens: 1 }),
      model.generate(texts, { endTokenIds: [] }),
      model.generate(texts.toReversed(), { endTokenIds: [] }),
    ]);
    expect(together).toEqual([...apart, apart[1]?.toReversed()]);
  });

  it('and reports progress up to the number of requests', async () => {
    const model = await open();
    const progress: (readonly [number, number])[] = [];
    await model.score(manyRequests(5), { batchTokens: 80, onProgress: (...step) => progress.push(step) });
    expect(progress).toEqual([
      [2, 5],
      [4, 5],
      [5, 5],
    ]);
  });

  it('and an abort rejects with its reason, after which the model still scores', async () => {
    const model = await open();
    const controller = new AbortController();
    const reason = new Error('the release was superseded');
    let batches = 0;
    const aborted = model.score(manyRequests(50), {
      batchTokens: 1,
      signal: controller.signal,
      onProgress: () => {
        batches += 1;
        controller.abort(reason);
      },
    });
    await expect(aborted).rejects.toBe(reason);
    await expect(model.score([REQUEST], { signal: controller.signal })).rejects.toBe(reason);
    expect(await model.score([REQUEST])).toHaveLength(1);
    expect(batches).toBe(1);
  });

  it('and close ends it, once or twice, while calls under way and calls to come are refused', async () => {
    const before = liveThreads();
    const model = await open();
    expect(liveThreads()).toBeGreaterThan(before);
    const waiting = expect(model.score(manyRequests(50))).rejects.toMatchObject({ code: 'INFERENCE_CLOSED' });
    const texts = [{ prompt: [1, 5], maxNewTokens: 50 }];
    const writing = expect(model.generate(texts, { endTokenIds: [] })).rejects.toMatchObject({
      code: 'INFERENCE_CLOSED',
    });
    await Promise.all([model.close(), model.close()]);
    await Promise.all([waiting, writing]);
    expect(liveThreads()).toBe(before);
    await expect(model.score([REQUEST])).rejects.toMatchObject({ code: 'INFERENCE_CLOSED', retryable: false });
    await model.close();
  });

  it('and no thread is left when onnxruntime refuses the model', async () => {
    const before = liveThreads();
    const thread = RuntimeThread.start('Model m');
    await expect(thread.open(NO_MODEL)).rejects.toMatchObject({ code: 'INFERENCE_RUNTIME_FAILED' });
    await thread.close();
    expect(liveThreads()).toBe(before);
  });

  it('and no thread is left when the folder holds no model', async () => {
    const before = liveThreads();
    await expect(openLanguageModel(await temporaryFolder())).rejects.toThrow();
    expect(liveThreads()).toBe(before);
  });

  it('and onnxruntime is told to report nothing, unless its user wants it', async () => {
    const telemetry = async (wish: string): Promise<string> => {
      const program = `${wish}const { openLanguageModel } = await import('./inference/index.ts');
        await (await openLanguageModel(process.argv[1])).close();
        console.log(process.env.ORT_DISABLE_TELEMETRY);`;
      const folder = await writeTinyLlama(join(await temporaryFolder(), 'model'));
      const options = ['--import', 'tsx', '--input-type=module', '--eval', program, folder];
      const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env;
      const quiet = { ...env, CI: 'true' }; // so that not even this test reports anything
      return (await promisify(execFile)(process.execPath, options, { cwd: ROOT, timeout: 20_000, env: quiet })).stdout;
    };
    expect(await telemetry('')).toBe('1\n');
    expect(await telemetry("process.env.ORT_DISABLE_TELEMETRY = '0';")).toBe('0\n');
  });

  it('and a thread that dies rejects every call that waits, and every later one', async () => {
    const worker = new Worker(new URL('./fixtures/dying-thread.mjs', import.meta.url));
    const thread = new RuntimeThread(worker, 'Model m');
    await thread.open(NO_MODEL);
    const cache = { id: null, firstRow: 0, rows: 1, room: 1, allRows: 1, starts: [0], lengths: [1] };
    const run = async (): Promise<unknown> =>
      thread.run({ feeds: {}, kept: {}, cache }).catch((error: unknown) => error);
    const died = {
      code: 'INFERENCE_WORKER_DIED',
      retryable: true,
      message: 'Model m: its thread ended before it answered: it ended with code 3; open the model again.',
    };
    expect(await Promise.all([run(), run()])).toEqual([expect.objectContaining(died), expect.objectContaining(died)]);
    expect(await run()).toMatchObject(died);
    await thread.close();
  });

  it('and a program under node --import tsx scores the same and ends by itself after close', async () => {
    const folder = await writeTinyLlama(join(await temporaryFolder(), 'model'));
    const script = fileURLToPath(new URL('./fixtures/score-once.ts', import.meta.url));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, folder], {
      cwd: ROOT,
      timeout: 20_000,
    });
    const model = await openLanguageModel(folder);
    onTestFinished(() => model.close());
    expect(JSON.parse(stdout)).toEqual(await model.score([REQUEST]));
    expect(stderr).toBe('');
  });
});
