import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bisect } from '../../../policy/statistics/bisect.ts';
import { boundSampleSize } from '../../../policy/statistics/bound-power.ts';
import {
  bootstrapLower,
  bootstrapMean,
  bootstrapPValue,
  bootstrapUpper,
} from '../../../policy/statistics/bootstrap.ts';
import { fewestSamples } from '../../../policy/statistics/fewest-samples.ts';
import { holm } from '../../../policy/statistics/holm.ts';
import { mostCounted } from '../../../policy/statistics/most-counted.ts';
import { normalCdf, normalQuantile } from '../../../policy/statistics/normal.ts';
import { noticedDifference, pairedPower, pairedSampleSize } from '../../../policy/statistics/paired-power.ts';
import { nextShare, nextUint32, randomState } from '../../../policy/statistics/random.ts';
import { tangoLower, tangoPValue, tangoStatistic, tangoUpper } from '../../../policy/statistics/tango.ts';
import { spreadOf, weightedMean } from '../../../policy/statistics/weighted-mean.ts';

const table = fc
  .tuple(fc.nat(40), fc.nat(40), fc.nat(400))
  .filter(([negative, positive, same]) => negative + positive + same > 0)
  .map(([negative, positive, same]) => ({ negative, positive, samples: negative + positive + same }));

describe('the normal distribution', () => {
  it('has its ends, and quantiles that undo it', () => {
    expect([normalCdf(-Infinity), normalCdf(0), normalCdf(Infinity)]).toEqual([0, 0.5, 1]);
    expect([
      normalQuantile(0),
      normalQuantile(0.5),
      normalQuantile(1),
      normalQuantile(1.1),
      normalQuantile(NaN),
    ]).toEqual([-Infinity, expect.closeTo(0, 15), Infinity, NaN, NaN]);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 13);
  });
});

describe("Tango's score", () => {
  it('knows √(n·m ÷ (1 − m)) where no sample changed, so that n equal pairs show a margin if they are enough', () => {
    expect(tangoStatistic({ negative: 0, positive: 0, samples: 256 }, -0.02)).toBeCloseTo(
      Math.sqrt((256 * 0.02) / 0.98),
      12,
    );
    expect(tangoStatistic({ negative: 0, positive: 0, samples: 256 }, 0)).toBe(0);
  });

  it('cannot be worse by more than everything, nor better', () => {
    const worst = { negative: 5, positive: 0, samples: 5 };
    expect([tangoPValue(worst, -1), tangoPValue(worst, 1)]).toEqual([0, 1]);
    expect(tangoLower(worst, 0.05)).toBe(-1);
  });

  it('falls as the bound rises, has the difference inside its limits, and turns round with the models', () => {
    fc.assert(
      fc.property(table, fc.double({ min: 0.001, max: 0.3, noNaN: true }), (counts, alpha) => {
        const { negative, positive, samples } = counts;
        const difference = (positive - negative) / samples;
        const [low, high] = [tangoLower(counts, alpha), tangoUpper(counts, alpha)];
        expect(low).toBeLessThanOrEqual(difference + 1e-12);
        expect(high).toBeGreaterThanOrEqual(difference - 1e-12);
        expect(tangoUpper({ negative: positive, positive: negative, samples }, alpha)).toBeCloseTo(-low, 12);
        const bounds = [-0.9, -0.4, -0.1, -0.01, 0, 0.01, 0.1, 0.4, 0.9];
        const statistics = bounds.map((bound) => tangoStatistic(counts, bound));
        statistics.slice(1).forEach((one, index) => expect(one).toBeLessThan(statistics[index] ?? NaN));
      }),
    );
  });
});

describe('holm', () => {
  it('holds the smallest p-value against α ÷ m, and all after the first that is too large against its level', () => {
    expect(holm([0.03, 0.001, 0.04, 0.02], 0.05)).toEqual([
      { rejected: false, level: 0.05 / 3 },
      { rejected: true, level: 0.0125 },
      { rejected: false, level: 0.05 / 3 },
      { rejected: false, level: 0.05 / 3 },
    ]);
    expect(holm([], 0.05)).toEqual([]);
    expect(holm([0.05], 0.05)).toEqual([{ rejected: true, level: 0.05 }]);
  });

  it('rejects exactly where p is at most the level that is told', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 0.2, noNaN: true }), { maxLength: 9 }), (pValues) => {
        holm(pValues, 0.05).forEach(({ rejected, level }, index) =>
          expect(rejected).toBe((pValues[index] ?? 1) <= level),
        );
      }),
    );
  });
});

describe('the generator', () => {
  it('draws the same for the same names, other numbers for others or in another order, and no state is all zero', () => {
    const draws = (...names: readonly string[]): number[] => {
      const state = randomState(...names);
      return Array.from({ length: 4 }, () => nextUint32(state));
    };
    expect(draws('a', 'b')).toEqual(draws('a', 'b'));
    expect(new Set([draws('a', 'b'), draws('b', 'a'), draws('ab'), draws('')].map(String)).size).toBe(4);
    expect(randomState('').some((word) => word !== 0)).toBe(true);
  });

  it('is even over 0 to 1', () => {
    const state = randomState('even');
    const counts = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 100_000; draw += 1) {
      const tenth = Math.floor(nextShare(state) * 10);
      counts[tenth] = (counts[tenth] ?? 0) + 1;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(27.9); // the 99.9 % quantile with 9 degrees of freedom
  });
});

describe('the bootstrap', () => {
  const values = Float64Array.from({ length: 50 }, (_, index) => Math.sin(7 * index) + (index % 5) / 3);

  it('gives the same interval twice, and leaves the values as they were', () => {
    const before = [...values];
    const once = bootstrapMean({ values, weights: null }, 2_000, randomState('x'));
    expect(bootstrapMean({ values, weights: null }, 2_000, randomState('x'))).toEqual(once);
    expect([...values]).toEqual(before);
  });

  it('counts a weight of 2 as two halves of the same size: equal weights are no weights', () => {
    const plain = bootstrapMean({ values, weights: null }, 2_000, randomState('x'));
    const doubled = bootstrapMean({ values, weights: values.map(() => 2) }, 2_000, randomState('x'));
    expect(doubled.mean).toBeCloseTo(plain.mean, 12);
    expect(bootstrapLower(doubled, 0.05)).toBeCloseTo(bootstrapLower(plain, 0.05), 12);
    expect(doubled.acceleration).toBeCloseTo(plain.acceleration, 12);
  });

  it('has p ≤ alpha exactly for bounds under the lower limit, however far out', () => {
    const bootstrap = bootstrapMean({ values, weights: null }, 2_000, randomState('x'));
    fc.assert(
      fc.property(
        fc.double({ min: -1, max: 2, noNaN: true }),
        fc.double({ min: 0.001, max: 0.4, noNaN: true }),
        fc.double({ min: -0.4, max: 0.4, noNaN: true }),
        (bound, alpha, acceleration) => {
          const skewed = { ...bootstrap, acceleration };
          expect(bootstrapPValue(skewed, bound) <= alpha).toBe(bootstrapLower(skewed, alpha) > bound);
          expect(bootstrapLower(skewed, alpha)).toBeLessThanOrEqual(bootstrapUpper(skewed, alpha));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('has the limit on a resample exactly where p crosses alpha', () => {
    const bootstrap = bootstrapMean({ values, weights: null }, 2_000, randomState('x'));
    for (const rank of [1, 40, 99, 500]) {
      const bound = bootstrap.resampled[rank] ?? NaN;
      const p = bootstrapPValue(bootstrap, bound);
      expect(bootstrapLower(bootstrap, p * (1 - 1e-9))).toBe(bound);
      expect(bootstrapLower(bootstrap, p * (1 + 1e-9))).toBe(bootstrap.resampled[rank + 1]);
    }
  });
});

describe('small helpers of the statistics', () => {
  it('weigh means and spreads', () => {
    const [one, two] = [Float64Array.from([1, 2, 6]), Float64Array.from([1, 1, 2])];
    expect(weightedMean({ values: one, weights: null })).toBe(3);
    expect(weightedMean({ values: one, weights: two })).toBe(3.75);
    expect(spreadOf({ values: one, weights: null })).toBeCloseTo(Math.sqrt(7), 12);
    expect(spreadOf({ values: Float64Array.of(1), weights: null })).toBeNull();
  });

  it('find the place of a change, the most that holds and the fewest that are enough', () => {
    expect(bisect(0, 2, (x) => x * x <= 2)).toBeCloseTo(Math.SQRT2, 14);
    expect([mostCounted(10, (count) => count < 4), mostCounted(10, () => false), mostCounted(10, () => true)]).toEqual([
      3, -1, 10,
    ]);
    expect([fewestSamples((n) => n >= 777), fewestSamples(() => true), fewestSamples(() => false)]).toEqual([
      777,
      1,
      null,
    ]);
  });
});

describe('sample sizes', () => {
  it('grow with the flips that are to be expected and with the square of the margin', () => {
    const size = (discordance: number, margin: number): number =>
      pairedSampleSize(0.8, { difference: 0, discordance }, { bound: -margin, alpha: 0.05 }) ?? 0;
    expect(size(0.2, 0.02) / size(0.05, 0.02)).toBeCloseTo(4, 0);
    expect(size(0.1, 0.01) / size(0.1, 0.02)).toBeCloseTo(4, 0);
    expect(boundSampleSize(0.8, 0.001, 0.02, 0.05)).toBeGreaterThan(148);
  });

  it('do not exist where the truth is on the bound', () => {
    expect(pairedSampleSize(0.8, { difference: 0, discordance: 0.1 }, { bound: 0, alpha: 0.05 })).toBeNull();
    expect(boundSampleSize(0.8, 0.02, 0.02, 0.05)).toBeNull();
  });

  it('go on smoothly where counting every outcome ends at 5,000 samples', () => {
    const power = (samples: number): number =>
      pairedPower(samples, { difference: 0, discordance: 0.1 }, { bound: -0.01, alpha: 0.05 });
    expect(Math.abs(power(5_001) - power(5_000))).toBeLessThan(0.003);
    const strict = (samples: number): number =>
      pairedPower(samples, { difference: 0, discordance: 0.02 }, { bound: -0.008, alpha: 0.001 });
    expect(Math.abs(strict(5_001) - strict(5_000))).toBeLessThan(0.012);
  });

  it('say which difference is noticed: at it, the power is what was asked for', () => {
    const plan = { bound: 0, alpha: 0.05 };
    const noticed = noticedDifference(256, 0.8, 0.05, plan) ?? 0;
    expect(pairedPower(256, { difference: noticed, discordance: 0.05 }, plan)).toBeCloseTo(0.8, 3);
    expect(noticedDifference(2, 0.8, 0.05, plan)).toBeNull();
  });
});
