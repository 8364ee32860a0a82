import { InferenceError } from '../errors.ts';
import type { CallTokens } from '../graph/call-writer.ts';
import { orAbort } from '../or-abort.ts';
import type { BatchOutput } from '../scoring/result-collector.ts';
import type { GenerateOptions, GenerateRequest, GenerateResult } from './request.ts';
import { oneTokenEach, promptChunk, prompts } from './call-tokens.ts';
import { Text } from './text.ts';

/** A key–value cache of some rows, and the model that reads tokens into it. */
export interface DecoderCache {
  /** Reads tokens into the rows from `firstRow` on. */
  readonly read: (tokens: CallTokens, firstRow: number) => Promise<BatchOutput>;
  /** Copies the first `tokens` tokens of one row over another row. */
  readonly move: (from: number, to: number, tokens: number) => void;
}

const BATCH_SIZE = 8;
const PREFILL_TOKENS = 512;

/** Texts that are written at once. */
export function batchSizeOf(requests: readonly GenerateRequest[], { batchSize = BATCH_SIZE }: GenerateOptions): number {
  return Math.max(1, Math.min(batchSize, requests.length));
}

/**
 * Writes all texts greedily, a token of each in one call. The rows in use are always the cache's first: a text that ended gives
 * its row to the last one, and a text that waits is read into the row after the last, so that nothing is computed for texts
 * that ended. Long prompts go first. The same requests and options give the same tokens.
 *
 * Errors: INFERENCE_NON_FINITE, and those of `cache`.
 */
export async function decode(
  requests: readonly GenerateRequest[],
  options: GenerateOptions,
  cache: DecoderCache,
): Promise<readonly GenerateResult[]> {
  const decoder = new Decoder(requests, options, cache);
  await decoder.run();
  return decoder.results();
}

class Decoder {
  readonly #texts: readonly Text[];
  readonly #options: GenerateOptions;
  readonly #cache: DecoderCache;
  readonly #batchSize: number;
  readonly #prefillTokens: number;
  /** By row. */
  readonly #active: Text[] = [];
  /** Shortest prompt first: taken from the end. */
  readonly #waiting: Text[];
  #done = 0;

  constructor(requests: readonly GenerateRequest[], options: GenerateOptions, cache: DecoderCache) {
    this.#texts = requests.map((request, index) => new Text(request, index));
    this.#waiting = this.#texts.toSorted((a, b) => a.prompt.length - b.prompt.length || b.request - a.request);
    this.#options = options;
    this.#cache = cache;
    this.#batchSize = batchSizeOf(requests, options);
    this.#prefillTokens = Math.max(1, options.prefillTokens ?? PREFILL_TOKENS);
  }

  async run(): Promise<void> {
    while (this.#active.length > 0 || this.#waiting.length > 0) {
      if (this.#active.length < this.#batchSize && this.#waiting.length > 0) await this.#admit();
      else await this.#step();
    }
  }

  results(): readonly GenerateResult[] {
    return this.#texts.flatMap((text) => text.result() ?? []);
  }

  /** Reads the prompts of some texts that wait, as many as have room and go into one call. */
  async #admit(): Promise<void> {
    const firstRow = this.#active.length;
    const fresh: Text[] = [];
    for (let next = this.#waiting.at(-1); next !== undefined; next = this.#waiting.at(-1)) {
      const columns = fresh[0]?.prompt.length ?? next.prompt.length;
      const fits = (fresh.length + 1) * columns <= this.#prefillTokens && firstRow + fresh.length < this.#batchSize;
      if (fresh.length > 0 && !fits) break;
      fresh.push(next);
      this.#waiting.pop();
    }
    const output = await this.#readPrompts(fresh, firstRow);
    this.#active.push(...fresh);
    this.#write(fresh, output);
  }

  async #readPrompts(fresh: readonly Text[], firstRow: number): Promise<BatchOutput> {
    const [{ prompt } = { prompt: [] }] = fresh;
    if (prompt.length <= this.#prefillTokens) return this.#read(prompts(fresh.map((text) => text.prompt)), firstRow);
    let start = 0;
    for (; start + this.#prefillTokens < prompt.length; start += this.#prefillTokens) {
      await this.#read(promptChunk(prompt, start, start + this.#prefillTokens), firstRow);
    }
    return this.#read(promptChunk(prompt, start, prompt.length), firstRow);
  }

  async #step(): Promise<void> {
    this.#write(this.#active, await this.#read(oneTokenEach(this.#active), 0));
  }

  async #read(tokens: CallTokens, firstRow: number): Promise<BatchOutput> {
    return orAbort(this.#cache.read(tokens, firstRow), this.#options.signal);
  }

  /** Gives each text its next token, and takes those that ended out of the batch. */
  #write(texts: readonly Text[], { likeliest, logProbabilities }: BatchOutput): void {
    for (const [index, text] of texts.entries()) {
      if (Number.isNaN(logProbabilities[index] ?? Number.NaN)) throw nonFinite(text);
      text.write(likeliest[index] ?? 0, this.#options);
    }
    for (let row = this.#active.length - 1; row >= 0; row -= 1) {
      if (this.#active[row]?.ended === true) this.#remove(row);
    }
  }

  #remove(row: number): void {
    const last = this.#active.pop();
    if (last !== undefined && row < this.#active.length) {
      this.#active[row] = last;
      this.#cache.move(this.#active.length, row, last.readTokens);
    }
    this.#done += 1;
    this.#options.onProgress?.(this.#done, this.#texts.length);
  }
}

function nonFinite({ request, written }: Text): InferenceError {
  return new InferenceError(
    'INFERENCE_NON_FINITE',
    `Request ${request}: the probabilities of new token ${written} are not numbers; the model's weights hold NaN or infinity, or overflow: inspect them.`,
    { request, token: written },
  );
}
