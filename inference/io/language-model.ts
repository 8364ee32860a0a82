import { openModel, type ModelFolder } from '../../weights/index.ts';
import { chooseMode, type ParameterCounts, type PlannedWork } from '../choose-mode.ts';
import { assertGenerateRequests } from '../decoding/assert-generate-requests.ts';
import { batchSizeOf, decode } from '../decoding/decode.ts';
import type { GenerateOptions, GenerateRequest, GenerateResult } from '../decoding/request.ts';
import type { Architecture } from '../families/architecture.ts';
import { parseArchitecture } from '../families/parse-architecture.ts';
import { CallWriter } from '../graph/call-writer.ts';
import { buildDecoderGraph } from '../graph/decoder-graph.ts';
import { cacheNames } from '../graph/names.ts';
import { orAbort } from '../or-abort.ts';
import type { ModelLimits } from '../request-problems.ts';
import { assertRequests } from '../scoring/assert-requests.ts';
import { planBatches, type Batch } from '../scoring/batches.ts';
import type { ScoreOptions, ScoreRequest, ScoreResult } from '../scoring/request.ts';
import { ResultCollector } from '../scoring/result-collector.ts';
import { locateWeights } from './external-weights.ts';
import { RuntimeThread, type CacheLayout, type RuntimeCall } from './runtime-thread.ts';

const BATCH_TOKENS = 2048;
/** Most logits of one call, scored positions × vocabulary: 32 MiB as float32, held twice for a moment. */
const LOGITS = 2 ** 23;

/** A model that scores and writes in a thread of its own, so that the caller's event loop stays free. */
export interface LanguageModel {
  readonly limits: ModelLimits;
  /**
   * Scores requests; results are in their order. No state is kept between calls. The same requests and `batchTokens` give
   * the same numbers; another grouping may differ in the last bits of float32. Calls may overlap, with `generate` too. A
   * dynamic RoPE turns by the length of prompt and continuation but for its last token.
   *
   * Errors: INFERENCE_EMPTY_REQUEST, INFERENCE_TOKEN_OUT_OF_RANGE, INFERENCE_SEQUENCE_TOO_LONG (before any work),
   * INFERENCE_NON_FINITE, INFERENCE_RUNTIME_FAILED, INFERENCE_WORKER_DIED (retryable), INFERENCE_CLOSED.
   */
  score(requests: readonly ScoreRequest[], options?: ScoreOptions): Promise<readonly ScoreResult[]>;
  /**
   * Writes on greedily from each prompt; of equally likely tokens the lowest id is written. Results are in the requests' order.
   * The same requests and options give the same tokens; in another batch, a token may differ where two are likely to within
   * the last bits of float32. Calls may overlap, each with a key–value cache of its own for as long as it runs.
   *
   * Errors: those of `score`; INFERENCE_SEQUENCE_TOO_LONG where prompt and `maxNewTokens` exceed `limits.positions`.
   */
  generate(requests: readonly GenerateRequest[], options: GenerateOptions): Promise<readonly GenerateResult[]>;
  /** Ends the thread and frees the model; calls under way reject with INFERENCE_CLOSED. Twice is once. */
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Threads that compute (1). */
  readonly threads?: number | undefined;
  /**
   * What is to be done, as far as it is known: `chooseMode` decides by it whether opening takes time and memory to make the work
   * quicker. Nothing is refused that was not planned.
   */
  readonly work?: PlannedWork | undefined;
}

/**
 * Opens a Hugging Face model folder (config.json and safetensors) for scoring and writing. Nothing is exported or written, and
 * float32 weights are read from their files, which must not change while the model is open.
 *
 * Errors: INFERENCE_ARCHITECTURE_UNSUPPORTED, INFERENCE_CONFIG_INVALID, INFERENCE_TENSOR_MISSING, INFERENCE_TENSOR_SHAPE,
 * INFERENCE_DTYPE_UNSUPPORTED, INFERENCE_RUNTIME_FAILED, INFERENCE_WORKER_DIED; and those of `openModel`.
 */
export async function openLanguageModel(
  folder: string,
  { threads = 1, work }: OpenOptions = {},
): Promise<LanguageModel> {
  const thread = RuntimeThread.start(`Model ${folder}`); // it takes longer than the files do
  try {
    const model = await openModel(folder);
    const architecture = parseArchitecture(model.config, folder);
    const { root, find } = await locateWeights(model.tensors);
    const graph = buildDecoderGraph({ architecture, tied: model.tieWordEmbeddings, find });
    const isPrepacked = chooseMode(work, countParameters(model)) === 'prepacked';
    await thread.open({ model: graph, root, threads, isPrepacked, layout: layoutOf(architecture) });
    return new OpenLanguageModel(architecture, thread);
  } catch (error) {
    await thread.close();
    throw error;
  }
}

function countParameters({ parameterCount, tensors }: ModelFolder): ParameterCounts {
  const float32 = [...tensors.values()].reduce(
    (sum, { dtype, sizeBytes }) => sum + (dtype === 'F32' ? sizeBytes / 4 : 0),
    0,
  );
  // A tied head that is stored all the same is counted once.
  return { all: parameterCount, float32: Math.min(float32, parameterCount) };
}

function layoutOf({ layers, keyValueHeads, headSize }: Architecture): CacheLayout {
  const names = layers.flatMap((_, layer) => {
    const { past, added } = cacheNames(layer);
    return [
      { past: past[0], added: added[0] },
      { past: past[1], added: added[1] },
    ];
  });
  return { names, heads: keyValueHeads, headSize };
}

class OpenLanguageModel implements LanguageModel {
  readonly limits: ModelLimits;
  readonly #thread: RuntimeThread;
  readonly #writer: CallWriter;
  #caches = 0;

  constructor(architecture: Architecture, thread: RuntimeThread) {
    const { vocabularySize, positions } = architecture;
    this.limits = { vocabularySize, positions };
    this.#thread = thread;
    this.#writer = new CallWriter(architecture);
  }

  async score(requests: readonly ScoreRequest[], options: ScoreOptions = {}): Promise<readonly ScoreResult[]> {
    const { batchTokens = BATCH_TOKENS, signal, onProgress } = options;
    signal?.throwIfAborted();
    assertRequests(requests, this.limits);
    const targets = Math.max(1, Math.min(batchTokens, Math.floor(LOGITS / this.limits.vocabularySize)));
    const collector = new ResultCollector(requests);
    const id = (this.#caches += 1);
    try {
      for (const batch of planBatches(requests, { tokens: batchTokens, targets })) {
        collector.add(batch, await orAbort(this.#thread.run(this.#callOf(batch, id)), signal));
        onProgress?.(collector.done, requests.length);
      }
    } finally {
      this.#thread.edit({ kind: 'drop', id });
    }
    return collector.results();
  }

  #callOf(batch: Batch, id: number): RuntimeCall {
    const { rows, columns, room, starts, lengths } = batch;
    // Each long request begins a cache of its own size.
    if (room !== null && starts[0] === 0) this.#thread.edit({ kind: 'drop', id });
    const kept = room === null ? { id: null, room: columns } : { id, room };
    return { ...this.#writer.write(batch), cache: { ...kept, firstRow: 0, rows, allRows: rows, starts, lengths } };
  }

  async generate(requests: readonly GenerateRequest[], options: GenerateOptions): Promise<readonly GenerateResult[]> {
    options.signal?.throwIfAborted();
    assertGenerateRequests(requests, this.limits);
    const thread = this.#thread;
    const id = (this.#caches += 1);
    const whole = { id, room: roomOf(requests), allRows: batchSizeOf(requests, options) };
    try {
      return await decode(requests, options, {
        read: (tokens, firstRow) => {
          const { rows, starts, lengths } = tokens;
          return thread.run({ ...this.#writer.write(tokens), cache: { ...whole, firstRow, rows, starts, lengths } });
        },
        move: (from, to, tokens) => thread.edit({ kind: 'move', id, from, to, tokens }),
      });
    } finally {
      thread.edit({ kind: 'drop', id });
    }
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

/** The last token of a text is never read. */
function roomOf(requests: readonly GenerateRequest[]): number {
  return Math.max(1, ...requests.map(({ prompt, maxNewTokens }) => prompt.length + maxNewTokens - 1));
}
