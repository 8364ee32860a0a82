import { InferenceError } from '../errors.ts';
import type { Batch } from './batches.ts';
import type { ScoreRequest, ScoreResult } from './request.ts';

/** What the graph answers for one batch, an element a scored position. */
export interface BatchOutput {
  readonly logProbabilities: Float32Array;
  readonly likeliest: Int32Array;
}

/** Puts the outputs of batches back in the order of the requests. */
export class ResultCollector {
  readonly #logProbabilities: readonly number[][];
  readonly #missed = new Set<number>();
  readonly #remaining: number[];
  #done = 0;

  constructor(requests: readonly ScoreRequest[]) {
    this.#logProbabilities = requests.map(({ continuation }) =>
      new Array<number>(continuation.length).fill(Number.NaN),
    );
    this.#remaining = requests.map(({ continuation }) => continuation.length);
  }

  /** Requests of which every token has been scored. */
  get done(): number {
    return this.#done;
  }

  /** Takes one batch's output. Errors: INFERENCE_NON_FINITE when a probability is not a number. */
  add(batch: Batch, { logProbabilities, likeliest }: BatchOutput): void {
    let at = 0;
    for (const { request, start, end } of batch.segments) {
      const scored = this.#logProbabilities[request] ?? [];
      for (let token = start; token < end; token += 1, at += 1) {
        const nats = logProbabilities[at] ?? Number.NaN;
        if (Number.isNaN(nats)) throw nonFinite(request, token);
        scored[token] = nats;
        if (likeliest[at] !== batch.targets[at]) this.#missed.add(request);
      }
      const remaining = (this.#remaining[request] ?? 0) - (end - start);
      this.#remaining[request] = remaining;
      if (remaining === 0) this.#done += 1;
    }
  }

  results(): readonly ScoreResult[] {
    return this.#logProbabilities.map((logProbabilitiesNats, request) => {
      return { logProbabilitiesNats, greedy: !this.#missed.has(request) };
    });
  }
}

function nonFinite(request: number, token: number): InferenceError {
  return new InferenceError(
    'INFERENCE_NON_FINITE',
    `Request ${request}: the probability of continuation token ${token} is not a number; the model's weights hold NaN or infinity, or overflow: inspect them.`,
    { request, token },
  );
}
