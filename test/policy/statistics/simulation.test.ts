import { describe, expect, it } from 'vitest';
import { betterAtAllTest, differenceTest } from '../../../policy/gate/difference-test.ts';
import { bootstrapMean, bootstrapPValue } from '../../../policy/statistics/bootstrap.ts';
import { holm } from '../../../policy/statistics/holm.ts';
import { mcnemarChanged } from '../../../policy/statistics/mcnemar.ts';
import { normalQuantile } from '../../../policy/statistics/normal.ts';
import { pairedPower, pairedSampleSize } from '../../../policy/statistics/paired-power.ts';
import { nextShare, randomState, type RandomState } from '../../../policy/statistics/random.ts';
import { tangoPValue, type PairedCounts } from '../../../policy/statistics/tango.ts';

const PAIRS = 2_000;
const ALPHA = 0.05;
/** A rate over so many runs stays within this of its probability, but for one time in a thousand. */
const band = (probability: number, runs = PAIRS): number => 3.3 * Math.sqrt((probability * (1 - probability)) / runs);

/** One comparison of two models, sample by sample. */
function draw(random: RandomState, samples: number, negativeChance: number, positiveChance: number): PairedCounts {
  let [negative, positive] = [0, 0];
  for (let sample = 0; sample < samples; sample += 1) {
    const share = nextShare(random);
    if (share < negativeChance) negative += 1;
    else if (share < negativeChance + positiveChance) positive += 1;
  }
  return { negative, positive, samples };
}

/** One-sided p-value of "not better at all", as the gate has it: of right and wrong, it counts what flipped. */
function betterAtAll({ samples, ...flips }: PairedCounts): number {
  const values = { values: new Float64Array(samples), weights: null };
  const pair = { unit: 'share', candidate: values, reference: values, differences: values, flips } as const;
  return betterAtAllTest(pair, differenceTest(pair, [])).pValue(0);
}

function rateOf(runs: number, happens: (run: number) => boolean): number {
  let count = 0;
  for (let run = 0; run < runs; run += 1) if (happens(run)) count += 1;
  return count / runs;
}

describe('2,000 simulated pairs of models', () => {
  it('are called different at most as often as alpha says when they are equal: the exact test is conservative', () => {
    const random = randomState('equal models');
    const changed = rateOf(PAIRS, () => mcnemarChanged(draw(random, 200, 0.1, 0.1)) <= ALPHA);
    expect(changed).toBeLessThanOrEqual(ALPHA + band(ALPHA));
    expect(changed).toBeGreaterThan(0.01);
    const better = rateOf(PAIRS, () => betterAtAll(draw(random, 200, 0.1, 0.1)) <= ALPHA);
    expect(better).toBeLessThanOrEqual(ALPHA + band(ALPHA));
    expect(better).toBeGreaterThan(0.01);
  });

  it.each([
    ['many flips', 500, 0.1, 0.05, 0.05],
    ['few flips', 256, 0.022, 0.002, 0.02],
    ['no flip but negative ones', 150, 0.03, 0, 0.03],
  ])(
    'pass as not worse at most as often as alpha says when worse by the margin: %s',
    (_case, samples, negative, positive, margin) => {
      const random = randomState('worse by the margin', _case);
      const passed = rateOf(PAIRS, () => tangoPValue(draw(random, samples, negative, positive), -margin) <= ALPHA);
      const exact = pairedPower(
        samples,
        { difference: -margin, discordance: negative + positive },
        { bound: -margin, alpha: ALPHA },
      );
      expect(Math.abs(passed - exact)).toBeLessThanOrEqual(band(exact));
      expect(passed).toBeLessThanOrEqual(ALPHA + band(ALPHA));
      expect(passed).toBeGreaterThan(0.005);
    },
  );

  it.each([
    [0.05, 0.02, 0.8],
    [0.2, 0.05, 0.9],
  ])('pass as often as the stated power when equal (discordance %d, margin %d)', (discordance, margin, power) => {
    const plan = { bound: -margin, alpha: ALPHA };
    const samples = pairedSampleSize(power, { difference: 0, discordance }, plan) ?? 0;
    const random = randomState('power', String(discordance));
    const passed = rateOf(
      PAIRS,
      () => tangoPValue(draw(random, samples, discordance / 2, discordance / 2), -margin) <= ALPHA,
    );
    expect(Math.abs(passed - power)).toBeLessThanOrEqual(band(power) + 0.005);
    expect(pairedPower(Math.floor(samples / 2), { difference: 0, discordance }, plan)).toBeLessThan(power - 0.2);
  });

  it("make any false claim at most as often as alpha says when three suites are worse by their margins: Holm's levels", () => {
    const random = randomState('three suites');
    const test = (): number => tangoPValue(draw(random, 400, 0.09, 0.04), -0.05);
    const three = Array.from({ length: PAIRS }, () => [test(), test(), test()]);
    const wrong = three.filter((pValues) => holm(pValues, ALPHA).some(({ rejected }) => rejected)).length / PAIRS;
    const uncorrected = three.filter((pValues) => pValues.some((p) => p <= ALPHA)).length / PAIRS;
    expect(wrong).toBeLessThanOrEqual(ALPHA + band(ALPHA));
    expect(uncorrected).toBeGreaterThan(2 * ALPHA);
  });
});

describe('500 simulated pairs with log-likelihoods', () => {
  const RUNS = 500;
  const passes = (name: string, truth: number): number => {
    const random = randomState(name);
    return rateOf(RUNS, (run) => {
      const values = Float64Array.from({ length: 120 }, () => truth + 0.1 * normalQuantile(nextShare(random) || 0.5));
      const weights = Float64Array.from({ length: 120 }, () => 20 + Math.floor(nextShare(random) * 200));
      const bootstrap = bootstrapMean({ values, weights }, 1_000, randomState(name, String(run)));
      return bootstrapPValue(bootstrap, -0.03) <= ALPHA;
    });
  };

  it('pass as not worse about as often as alpha says when worse by the margin, and mostly when equal', () => {
    const wrongly = passes('worse', -0.03);
    expect(wrongly).toBeLessThanOrEqual(ALPHA + band(ALPHA, RUNS) + 0.01);
    expect(wrongly).toBeGreaterThan(0.02);
    // σ of the weighted mean is about 0.1 · √(1.28 ÷ 120): power Φ(0.03 ÷ 0.0103 − 1.645) ≈ 0.9.
    expect(passes('equal', 0)).toBeGreaterThan(0.83);
  });
});
