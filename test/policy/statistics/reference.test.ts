import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { binomialCdf, binomialPmf, binomialUpperTail } from '../../../policy/statistics/binomial.ts';
import { boundPower } from '../../../policy/statistics/bound-power.ts';
import { bootstrapLower, bootstrapMean, bootstrapUpper } from '../../../policy/statistics/bootstrap.ts';
import { holm } from '../../../policy/statistics/holm.ts';
import { mcnemarChanged } from '../../../policy/statistics/mcnemar.ts';
import { meanPower, meanSampleSize } from '../../../policy/statistics/mean-power.ts';
import { normalCdf, normalQuantile } from '../../../policy/statistics/normal.ts';
import { pairedPower } from '../../../policy/statistics/paired-power.ts';
import { exactLowerShare, exactUpperShare, wilsonInterval } from '../../../policy/statistics/proportion.ts';
import { nextShare, nextUint32, randomState } from '../../../policy/statistics/random.ts';
import { tangoLower, tangoStatistic, tangoUpper } from '../../../policy/statistics/tango.ts';
import { askReference } from './reference.ts';

const RESAMPLES = 4_000;
const STATE = [...randomState('bca')];
const random = randomState('cases of the reference tests');
const upTo = (largest: number): number => Math.floor(nextShare(random) * (largest + 1));
const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));
const logNormal = (): number => Math.exp(1.2 * normalQuantile(nextShare(random)));

/** Trials, successes and a probability near enough that the tail is not just 0. */
function binomialCase(): readonly [number, number, number] {
  const trials = [7, 60, 1_319, 200_000][upTo(3)] ?? 1;
  const chance = nextShare(random);
  const spread = Math.sqrt(trials * chance * (1 - chance));
  const count = Math.round(trials * chance + 6 * (nextShare(random) - 0.5) * spread);
  return [Math.min(trials, Math.max(0, count)), trials, chance];
}

/** Negative flips, positive flips, samples. */
function tableCase(): readonly [number, number, number] {
  const samples = [12, 50, 256, 1_319][upTo(3)] ?? 1;
  const negative = upTo(Math.floor(samples / 3));
  return [negative, upTo(Math.floor(samples / 3)), samples];
}

const skewed = times(60, logNormal);
const weights = times(60, () => 1 + upTo(200));
const cases = {
  normalCdf: times(60, (index) => [-38 + index] as const).concat(
    times(60, () => [8 * (nextShare(random) - 0.5)] as const),
  ),
  normalQuantile: [...[1e-300, 1e-20, 1e-8, 0.5, 1 - 1e-9], ...times(60, () => nextShare(random))].map(
    (p) => [p] as const,
  ),
  binomialPmf: times(60, binomialCase),
  binomialCdf: times(60, binomialCase),
  binomialUpperTail: times(60, binomialCase),
  mcnemarChanged: [[0, 0] as const, ...times(40, () => [upTo(30), upTo(30)] as const)],
  exactShare: [[0, 20, 0.05] as const, [20, 20, 0.05] as const, ...times(30, () => [upTo(300), 300, 0.025] as const)],
  wilson: [[0, 20, 0.05] as const, [20, 20, 0.05] as const, ...times(30, () => [upTo(300), 300, 0.025] as const)],
  tangoStatistic: [
    ...[-0.5, -0.02, 0.02, 0.3].map((bound) => [0, 0, 256, bound] as const),
    ...times(150, () => [...tableCase(), 1.8 * (nextShare(random) - 0.5)] as const),
  ],
  tangoLimits: [
    [0, 0, 50, 0.025] as const,
    [0, 4, 30, 0.05] as const,
    [4, 0, 30, 0.05] as const,
    ...times(40, () => [...tableCase(), 0.05 / (1 + upTo(3))] as const),
  ],
  holm: times(60, () => [times(1 + upTo(7), () => nextShare(random) ** 3 / 4), 0.05] as const),
  pairedPower: [
    [30, 0, 0.3, -0.1, 0.05] as const,
    [45, 0.05, 0.2, -0.05, 0.1] as const,
    [40, 0.1, 0.25, 0, 0.05] as const,
    [40, -0.08, 0.1, -0.08, 0.05] as const,
  ],
  boundPower: times(20, () => [100 + upTo(400), 0.02 * nextShare(random), 0.03, 0.05] as const),
  meanPower: times(20, () => [10 + upTo(500), 0, -0.05 * nextShare(random), 0.05, 0.3] as const),
  meanSamples: times(20, () => [0.8, 0, -0.02 - 0.05 * nextShare(random), 0.025, 0.4] as const),
  bca: [
    [skewed, times(60, () => 1), 0.05, RESAMPLES, STATE] as const,
    [skewed, weights, 0.025, RESAMPLES, STATE] as const,
    [skewed.map((value) => -value), weights, 0.05, RESAMPLES, STATE] as const,
  ],
  xoshiro: [[[1, 2, 3, 4], 200] as const, [[0xffffffff, 0, 0x80000000, 7], 200] as const],
};

/** Relative where the number is large or tiny: a p-value of 1e-9 has to be right too. */
function expectNear(found: number, wanted: unknown, relative: number): void {
  const number = z.number().parse(wanted);
  expect(Math.abs(found - number)).toBeLessThanOrEqual(relative * Math.abs(number) + 1e-300);
}

describe('the statistics, against scipy and statsmodels', () => {
  let answers: Awaited<ReturnType<typeof askReference>> = {};
  beforeAll(async () => {
    answers = await askReference(cases);
  }, 120_000);

  /** The cases of a kind, each with its answer; none is left out. */
  function each<Kind extends keyof typeof cases>(
    kind: Kind,
    check: (one: (typeof cases)[Kind][number], answer: unknown) => void,
  ): void {
    expect(answers[kind]).toHaveLength(cases[kind].length);
    expect.hasAssertions();
    cases[kind].forEach((one, index) => check(one, answers[kind]?.[index]));
  }

  it('has the normal distribution, far into its tail', () => {
    each('normalCdf', ([x], answer) => expectNear(normalCdf(x), answer, x < -3 ? 1e-11 : 1e-12));
    each('normalQuantile', ([p], answer) => {
      expect(Math.abs(normalQuantile(p) - z.number().parse(answer))).toBeLessThan(1e-10);
    });
  });

  it('has the binomial distribution and its two tails, up to 200,000 trials', () => {
    each('binomialPmf', (one, answer) => expectNear(binomialPmf(...one), answer, 1e-9));
    each('binomialCdf', (one, answer) => expectNear(binomialCdf(...one), answer, 1e-9));
    each('binomialUpperTail', (one, answer) => expectNear(binomialUpperTail(...one), answer, 1e-9));
  });

  it("has McNemar's exact test", () => {
    each('mcnemarChanged', ([negative, positive], p) => expectNear(mcnemarChanged({ negative, positive }), p, 1e-12));
  });

  it('has the exact and the Wilson interval of a share', () => {
    const limits = z.tuple([z.number(), z.number()]);
    each('exactShare', ([count, trials, alpha], answer) => {
      const [low, high] = limits.parse(answer);
      expect(exactLowerShare(count, trials, alpha)).toBeCloseTo(low, 10);
      expect(exactUpperShare(count, trials, alpha)).toBeCloseTo(high, 10);
    });
    each('wilson', ([count, trials, alpha], answer) => {
      const [low, high] = limits.parse(answer);
      expect(wilsonInterval(count, trials, alpha).low).toBeCloseTo(low, 12);
      expect(wilsonInterval(count, trials, alpha).high).toBeCloseTo(high, 12);
    });
  });

  it("has Tango's statistic and interval, against a maximised likelihood and a root finder", () => {
    each('tangoStatistic', ([negative, positive, samples, bound], answer) => {
      expect(tangoStatistic({ negative, positive, samples }, bound)).toBeCloseTo(z.number().parse(answer), 6);
    });
    each('tangoLimits', ([negative, positive, samples, alpha], answer) => {
      const [low, high] = z.tuple([z.number(), z.number()]).parse(answer);
      expect(tangoLower({ negative, positive, samples }, alpha)).toBeCloseTo(low, 8);
      expect(tangoUpper({ negative, positive, samples }, alpha)).toBeCloseTo(high, 8);
    });
  });

  it("rejects what Holm's procedure rejects", () => {
    each('holm', ([pValues, alpha], answer) => {
      expect(holm(pValues, alpha).map(({ rejected }) => rejected)).toEqual(answer);
    });
    const verdicts = (answers['holm'] ?? []).flat();
    expect(new Set(verdicts)).toEqual(new Set([true, false]));
  });

  it('has the power of the paired tests, against every table that there can be', () => {
    each('pairedPower', ([samples, difference, discordance, bound, alpha], answer) => {
      expect(pairedPower(samples, { difference, discordance }, { bound, alpha })).toBeCloseTo(
        z.number().parse(answer),
        9,
      );
    });
    each('boundPower', (one, answer) => expect(boundPower(...one)).toBeCloseTo(z.number().parse(answer), 9));
  });

  it('has the power and the sample size of a mean', () => {
    each('meanPower', ([samples, truth, bound, alpha, spread], answer) => {
      expect(meanPower(samples, truth, { bound, alpha, spread })).toBeCloseTo(z.number().parse(answer), 9);
    });
    each('meanSamples', ([target, truth, bound, alpha, spread], answer) => {
      expect(meanSampleSize(target, truth, { bound, alpha, spread })).toBe(Math.ceil(z.number().parse(answer)));
    });
  });

  it('has the BCa interval of a skewed mean, with weights and without, from the same resamples as scipy', () => {
    const bca = z.object({ low: z.number(), high: z.number(), resampled: z.array(z.number()) });
    each('bca', ([values, caseWeights, alpha, resamples, state], answer) => {
      const { low, high, resampled } = bca.parse(answer);
      const data = { values: Float64Array.from(values), weights: Float64Array.from(caseWeights) };
      const bootstrap = bootstrapMean(data, resamples, Uint32Array.from(state));
      resampled.forEach((mean, index) => expect(bootstrap.resampled[index]).toBeCloseTo(mean, 9));
      // scipy goes between two neighbouring resamples where ours takes one of them.
      const rank = (limit: number): number => resampled.filter((mean) => mean < limit).length;
      expect(Math.abs(rank(bootstrapLower(bootstrap, alpha)) - rank(low))).toBeLessThanOrEqual(2);
      expect(Math.abs(rank(bootstrapUpper(bootstrap, alpha)) - rank(high))).toBeLessThanOrEqual(2);
      // Skewed enough that a limit without its corrections is far off.
      const uncorrected = { ...bootstrap, bias: 0, acceleration: 0 };
      expect(Math.abs(rank(bootstrapUpper(uncorrected, alpha)) - rank(high))).toBeGreaterThan(20);
    });
  });

  it('draws what xoshiro128** draws', () => {
    each('xoshiro', ([state, count], answer) => {
      const words = Uint32Array.from(state);
      expect(times(count, () => nextUint32(words))).toEqual(answer);
    });
  });
});
