import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planBatches, type Batch } from '../../inference/scoring/batches.ts';
import type { ScoreRequest } from '../../inference/scoring/request.ts';
import { ResultCollector } from '../../inference/scoring/result-collector.ts';

const tokens = (maxLength: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength });
const requestsOf = fc.array(fc.record({ prompt: tokens(12), continuation: tokens(12) }), { maxLength: 12 });
const limitsOf = fc.record({ tokens: fc.integer({ min: 1, max: 80 }), targets: fc.integer({ min: 1, max: 20 }) });

/** What a model would answer: a number for all that precedes a position, and the target after it. */
class Reader {
  /** What it was given of a long request so far. */
  #read: readonly number[] = [];

  answer(batch: Batch): { readonly logProbabilities: Float32Array; readonly likeliest: Int32Array } {
    const { columns, lengths, room, starts } = batch;
    expect(room === null ? new Set(starts) : starts).toEqual(room === null ? new Set([0]) : [starts[0]]);
    const before = this.#read.slice(0, starts[0]);
    expect(before).toHaveLength(starts[0] ?? 0);
    const seen = [...batch.positions].map((position) => {
      const row = Math.floor(position / columns);
      expect(position % columns).toBeLessThan(lengths[row] ?? 0);
      return fingerprint([...before, ...batch.inputIds.subarray(row * columns, position + 1)]);
    });
    this.#read = [...before, ...batch.inputIds];
    if (room !== null) expect(this.#read.length).toBeLessThanOrEqual(room);
    return { logProbabilities: Float32Array.from(seen), likeliest: batch.targets.slice() };
  }
}

const fingerprint = (ids: readonly number[]): number => ids.reduce((sum, id) => (sum * 31 + id) % 65_521, ids.length);

describe('planBatches', () => {
  it('scores every continuation token once, given exactly what precedes it, within both limits', () => {
    fc.assert(
      fc.property(requestsOf, limitsOf, (requests, limits) => {
        const collector = new ResultCollector(requests);
        const reader = new Reader();
        for (const batch of planBatches(requests, limits)) {
          expect(batch.targets.length).toBeLessThanOrEqual(limits.targets);
          if (batch.rows > 1) expect(batch.rows * batch.columns).toBeLessThanOrEqual(limits.tokens);
          collector.add(batch, reader.answer(batch));
        }
        const expected = requests.map(({ prompt, continuation }) => {
          const before = continuation.map((_, index) => fingerprint([...prompt, ...continuation.slice(0, index)]));
          return { logProbabilitiesNats: before, greedy: true };
        });
        expect(collector.results()).toEqual(expected);
        expect(collector.done).toBe(requests.length);
      }),
    );
  });

  it('puts requests of like length together and fills a batch to its limit', () => {
    const lengths = [3, 1, 3, 1, 2, 3];
    const requests = lengths.map((length): ScoreRequest => {
      return { prompt: new Array<number>(length).fill(7), continuation: [5] };
    });
    const batches = planBatches(requests, { tokens: 6, targets: 100 });
    expect(batches.map(({ segments }) => segments.map(({ request }) => request))).toEqual([[1, 3, 4], [0, 2], [5]]);
    expect(batches[0]).toMatchObject({ rows: 3, columns: 2 });
    expect([...(batches[0]?.inputIds ?? [])]).toEqual([7, 0, 7, 0, 7, 7]);
    expect([...(batches[0]?.positions ?? [])]).toEqual([0, 2, 5]);
  });

  it('reads a long continuation in parts, none of it twice', () => {
    const request: ScoreRequest = { prompt: [1, 2, 3], continuation: [4, 5, 6, 7, 8] };
    const batches = planBatches([request, { prompt: [9], continuation: [9] }], { tokens: 100, targets: 2 });
    expect(batches.map(({ inputIds, starts, room }) => ({ tokens: [...inputIds], starts, room }))).toEqual([
      { tokens: [9], starts: [0], room: null },
      { tokens: [1, 2, 3, 4], starts: [0], room: 7 },
      { tokens: [5, 6], starts: [4], room: 7 },
      { tokens: [7], starts: [6], room: 7 },
    ]);
    expect(batches.map(({ wholeLengths }) => wholeLengths)).toEqual([[1], [7], [7], [7]]);
  });

  it('makes no batch of no requests', () => {
    expect(planBatches([], { tokens: 8, targets: 8 })).toEqual([]);
  });
});

describe('ResultCollector', () => {
  const requests: readonly ScoreRequest[] = [
    { prompt: [1], continuation: [2, 3] },
    { prompt: [1], continuation: [4, 5] },
  ];
  const batch = planBatches(requests, { tokens: 100, targets: 100 })[0]!;

  it('calls a request greedy only when every one of its tokens is the likeliest', () => {
    const collector = new ResultCollector(requests);
    collector.add(batch, {
      logProbabilities: Float32Array.of(-1, -2, -3, Number.NEGATIVE_INFINITY),
      likeliest: Int32Array.of(2, 3, 4, 6),
    });
    expect(collector.results()).toEqual([
      { logProbabilitiesNats: [-1, -2], greedy: true },
      { logProbabilitiesNats: [-3, Number.NEGATIVE_INFINITY], greedy: false },
    ]);
  });

  it('refuses a probability that is not a number, and says whose', () => {
    const output = { logProbabilities: Float32Array.of(-1, -1, -1, Number.NaN), likeliest: batch.targets };
    expect(() => {
      new ResultCollector(requests).add(batch, output);
    }).toThrow(expect.objectContaining({ code: 'INFERENCE_NON_FINITE', details: { request: 1, token: 1 } }));
  });
});
