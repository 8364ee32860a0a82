import { openModel } from '../../weights/index.ts';
import { buildLlamaGraph } from '../graph/llama.ts';
import { parseLlamaConfig, type LlamaConfig } from '../graph/llama-config.ts';
import { ropeTables, type RopeTables } from '../graph/rope.ts';
import { assertRequests } from '../scoring/assert-requests.ts';
import { planBatches } from '../scoring/batches.ts';
import type { ScoreRequest, ScoreResult } from '../scoring/request.ts';
import { ResultCollector } from '../scoring/result-collector.ts';
import { locateWeights } from './external-weights.ts';
import { RuntimeThread } from './runtime-thread.ts';

const BATCH_TOKENS = 2048;
/** Most logits of one call, scored positions × vocabulary: 128 MiB as float32, held twice for a moment. */
const LOGITS = 2 ** 25;

export interface ScoreOptions {
  /** Most padded tokens of one call (2048); more is faster and takes more memory. A longer request goes alone. */
  readonly batchTokens?: number | undefined;
  /** Aborting rejects with the signal's reason; a batch already under way ends unheard, and the model stays open. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of requests scored so far. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** A model that scores in a thread of its own, so that the caller's event loop stays free. */
export interface LanguageModel {
  /**
   * Scores requests; results are in their order. No state is kept between calls. The same requests and `batchTokens` give
   * the same numbers; another grouping may differ in the last bits of float32. Calls may overlap.
   *
   * Errors: INFERENCE_EMPTY_REQUEST, INFERENCE_TOKEN_OUT_OF_RANGE, INFERENCE_SEQUENCE_TOO_LONG (before any work),
   * INFERENCE_NON_FINITE, INFERENCE_RUNTIME_FAILED, INFERENCE_WORKER_DIED (retryable), INFERENCE_CLOSED.
   */
  score(requests: readonly ScoreRequest[], options?: ScoreOptions): Promise<readonly ScoreResult[]>;
  /** Ends the thread and frees the model; calls under way reject with INFERENCE_CLOSED. Twice is once. */
  close(): Promise<void>;
}

/**
 * Opens a Hugging Face model folder (config.json and safetensors) for scoring with `threads` threads (1). Nothing is
 * exported or written, and float32 weights stay in their files, which must not change while the model is open.
 *
 * Errors: INFERENCE_ARCHITECTURE_UNSUPPORTED, INFERENCE_CONFIG_INVALID, INFERENCE_TENSOR_MISSING, INFERENCE_TENSOR_SHAPE,
 * INFERENCE_DTYPE_UNSUPPORTED, INFERENCE_RUNTIME_FAILED, INFERENCE_WORKER_DIED; and those of `openModel`.
 */
export async function openLanguageModel(
  folder: string,
  { threads = 1 }: { readonly threads?: number } = {},
): Promise<LanguageModel> {
  const model = await openModel(folder);
  const config = parseLlamaConfig(model.config, folder);
  const { root, find } = await locateWeights(model.tensors);
  const graph = buildLlamaGraph({ config, tied: model.tieWordEmbeddings, find });
  const thread = await RuntimeThread.open({ model: graph, root, threads }, `Model ${folder}`);
  const tables = growingTables(config);
  return {
    score: (requests, options = {}) => score({ thread, config, tables }, requests, options),
    close: () => thread.close(),
  };
}

interface OpenModel {
  readonly thread: RuntimeThread;
  readonly config: LlamaConfig;
  readonly tables: (positions: number) => RopeTables;
}

async function score(
  { thread, config, tables }: OpenModel,
  requests: readonly ScoreRequest[],
  { batchTokens = BATCH_TOKENS, signal, onProgress }: ScoreOptions,
): Promise<readonly ScoreResult[]> {
  signal?.throwIfAborted();
  assertRequests(requests, config);
  const targets = Math.max(1, Math.floor(LOGITS / config.vocabularySize));
  const collector = new ResultCollector(requests);
  for (const batch of planBatches(requests, { tokens: batchTokens, targets })) {
    collector.add(batch, await orAbort(thread.run(batch, tables(batch.columns)), signal));
    onProgress?.(collector.done, requests.length);
  }
  return collector.results();
}

/** Rejects as soon as the signal is aborted; the work's own outcome is then dropped. */
async function orAbort<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return work;
  const { promise: aborted, reject } = rejectable();
  const onAbort = (): void => {
    reject(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => undefined); // after an abort nobody waits for it
  }
}

function rejectable(): { readonly promise: Promise<never>; readonly reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  return { promise, reject };
}

/** Keeps tables for the longest sequence so far, doubled when outgrown: a model may allow far more than is ever used. */
function growingTables(config: LlamaConfig): (positions: number) => RopeTables {
  const { rope, headSize } = config;
  let kept = ropeTables(rope, headSize, Math.min(256, config.positions));
  return (positions) => {
    if (kept.positions < positions) {
      kept = ropeTables(rope, headSize, Math.min(Math.max(positions, kept.positions * 2), config.positions));
    }
    const length = (positions * headSize) / 2;
    return { positions, cos: kept.cos.slice(0, length), sin: kept.sin.slice(0, length) };
  };
}
