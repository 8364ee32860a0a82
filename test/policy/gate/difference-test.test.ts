import { describe, expect, it } from 'vitest';
import type { GateEvaluation } from '../../../contracts/gate.schema.ts';
import { nextShare, randomState } from '../../../policy/statistics/random.ts';
import { judge, makeEvaluation, makeReference } from './gate-values.ts';

describe('a gate on other outcomes', () => {
  const random = randomState('other outcomes');
  const nats = Array.from({ length: 300 }, () => -3 * nextShare(random));
  const weights = nats.map(() => 1 + Math.floor(100 * nextShare(random)));
  const moved = (by: number, spread: number): number[] =>
    nats.map((value) => value + by + spread * (nextShare(random) - 0.5));
  const judgeNats = (
    outcomes: readonly number[],
    gate: Readonly<Record<string, unknown>> = { nonInferior: { text: 0.01 } },
  ) =>
    judge(
      gate,
      { text: makeEvaluation(outcomes, { unit: 'nats', weights }) },
      makeReference('published', { text: makeEvaluation(nats, { unit: 'nats', weights }) }),
    );

  it('resamples the weighted mean difference, the same way every time', () => {
    const outcomes = moved(0, 0.1);
    const judged = judgeNats(outcomes);
    expect(judged).toMatchObject({
      decision: 'pass',
      checks: [{ unit: 'nats', flips: null, changedPValue: null, interval: { method: 'bca bootstrap' } }],
    });
    expect(judgeNats(outcomes)).toEqual(judged);
    const [check] = judged.checks;
    const sum = (values: readonly number[]): number =>
      values.reduce((all, value, index) => all + value * (weights[index] ?? 0), 0);
    const total = weights.reduce((all, weight) => all + weight, 0);
    expect(check?.candidate).toBeCloseTo(sum(outcomes) / total, 12);
    expect(check?.difference).toBeCloseTo((sum(outcomes) - sum(nats)) / total, 12);
    expect(check?.sentence).toMatch(
      /nats a token of the published M1 on 300 samples; the true difference is at least [−+]?0\.00\d\d nats a token/,
    );
  });

  it('tells worse, undecided and better apart', () => {
    const verdicts = [moved(-0.1, 0.1), moved(0, 0.5), moved(0.1, 0.1)].map(
      (outcomes) => judgeNats(outcomes).checks[0]?.verdict,
    );
    expect(verdicts).toEqual(['fail', 'inconclusive', 'pass']);
    const wide = judgeNats(moved(0, 0.5)).checks[0];
    expect(wide?.power).toMatchObject({ assumes: { kind: 'standard deviation' } });
    expect(wide?.power?.samplesNeeded).toBeGreaterThan(300);
  });

  it('passes a model that computes the same, and says that nothing varies', () => {
    const [check] = judgeNats(nats).checks;
    expect(check).toMatchObject({ pass: true, interval: { low: 0, high: 0, method: 'constant' } });
    expect(check?.sentence).toContain('nothing hints at how another might differ');
  });

  it('does not order samples by their place in the file', () => {
    const outcomes = moved(0, 0.1);
    const shuffled = (evaluation: GateEvaluation): GateEvaluation => ({
      ...evaluation,
      samples: [...evaluation.samples].reverse(),
    });
    const mine = makeEvaluation(outcomes, { unit: 'nats', weights });
    const published = makeReference('published', { text: makeEvaluation(nats, { unit: 'nats', weights }) });
    const gate = { nonInferior: { text: 0.01 } };
    expect(judge(gate, { text: shuffled(mine) }, published)).toEqual(judge(gate, { text: mine }, published));
  });

  it.each([
    ['hardly any share differs', 200, 3, 'binomial bound', 'only 3 samples differ'],
    ['no share differs', 200, 0, 'binomial bound', 'no sample differs'],
    ['one sample is all there is', 1, 0, 'binomial bound', 'no sample differs'],
    ['there are too few for a bootstrap', 20, 15, 'bca bootstrap', 'fewer than 30 samples are too few'],
  ])('is careful where %s', (_case, samples, differing, method, caveat) => {
    const shares = Array.from({ length: samples }, (_, index) => 0.5 + (index % 7) / 20);
    const mine = shares.map((share, index) => share - (index < differing ? 0.01 : 0));
    const [check] = judge(
      { nonInferior: { sums: 0.01 } },
      { sums: makeEvaluation(mine) },
      makeReference('published', { sums: makeEvaluation(shares) }),
    ).checks;
    expect(check).toMatchObject({ verdict: 'inconclusive', interval: { method } });
    expect(check?.sentence).toContain(caveat);
    expect(check?.power?.samplesNeeded).toBeGreaterThan(samples);
  });

  it('resamples 5,000 samples 10,000 times for both rules', () => {
    const many = Array.from({ length: 5_000 }, () => nextShare(random));
    const shifted = many.map((share) => Math.min(1, share + 0.1 * nextShare(random)));
    const judged = judge(
      { nonInferior: { sums: 0.01 }, superior: { sums: 0.01 } },
      { sums: makeEvaluation(shifted) },
      makeReference('published', { sums: makeEvaluation(many) }),
    );
    expect(judged.checks.map(({ pass }) => pass)).toEqual([true, true]);
    expect(judged.checks[0]?.difference).toBe(judged.checks[1]?.difference);
  });
});
