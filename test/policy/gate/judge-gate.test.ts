import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RegraftError } from '../../../contracts/error.ts';
import { gateDecisionSchema, type GateCheck, type GateEvaluation } from '../../../contracts/gate.schema.ts';
import { nextShare, randomState } from '../../../policy/statistics/random.ts';
import { digestOf } from '../../support/lineage-values.ts';
import { judge, judgeTable, makeEvaluation, makeReference, makeTable } from './gate-values.ts';

const NOT_WORSE = { nonInferior: { sums: 0.02 } };
const code = (wanted: string): Error => expect.objectContaining({ code: wanted, retryable: false }) as Error;

describe('a gate on right and wrong', () => {
  it('passes equal models where the samples are enough for the margin, with every number in the check', () => {
    const judged = judgeTable(NOT_WORSE, 256, { negative: 0, positive: 0 });
    expect(judged.decision).toBe('pass');
    expect(judged.checks).toEqual([
      {
        suite: 'sums',
        rule: 'nonInferior',
        unit: 'share',
        reference: { kind: 'published', release: 'M1', modelDigest: digestOf('published') },
        candidate: 179 / 256,
        referenceScore: 179 / 256,
        difference: 0,
        interval: { low: expect.closeTo(-0.010458, 6), high: expect.closeTo(0.010458, 6), level: 0.9, method: 'tango' },
        margin: 0.02,
        pValue: expect.closeTo(0.011135, 6),
        adjustedAlpha: 0.05,
        changedPValue: 1,
        samples: 256,
        flips: { negative: 0, positive: 0 },
        power: {
          assumes: { kind: 'discordance', value: 1 / 258 },
          truth: 0,
          passProbability: expect.closeTo(0.937, 2),
          noticed: expect.closeTo(0.0166, 3),
          target: 0.8,
          samplesNeeded: expect.toSatisfy((needed: number) => needed < 256),
        },
        verdict: 'pass',
        pass: true,
        sentence:
          'sums: 69.9 % against 69.9 % of the published M1 on 256 samples (none changed); the true difference is at least −1.05 points (95 % sure), within the margin of 2 points; with so many samples a true drop of 1.66 points is noticed with probability 0.80.',
      },
    ]);
    expect(judged.sentence).toBe(
      'passed: sums 69.9 % against 69.9 % of the published M1 (at least −1.05 points, 95 % sure; −2 points is allowed)',
    );
  });

  it('does not pass equal models on too few samples, and says how many are needed', () => {
    const judged = judgeTable(NOT_WORSE, 50, { negative: 0, positive: 0 });
    expect(judged).toMatchObject({ decision: 'reject', checks: [{ verdict: 'inconclusive', pass: false }] });
    expect(judged.checks[0]?.power?.samplesNeeded).toBe(378);
    expect(judged.sentence).toMatch(
      /^rejected: sums: .*inconclusive: the true difference lies between −5\.13 points and \+5\.13 points \(90 % sure\), which neither shows nor rules out a drop of more than 2 points;.*about 378 samples are needed for 0\.80$/,
    );
  });

  it('passes on the number of samples that it said were needed, for candidates that are as good', () => {
    const needed = judgeTable(NOT_WORSE, 100, { negative: 2, positive: 2 }).checks[0]?.power?.samplesNeeded ?? 0;
    const flips = Math.round((5 / 102 / 2) * needed);
    expect(judgeTable(NOT_WORSE, needed, { negative: flips, positive: flips }).decision).toBe('pass');
  });

  it.each([
    ['clearly worse', { negative: 40, positive: 5 }, 'fail', 'reject'],
    ['a little worse, which could be chance', { negative: 8, positive: 4 }, 'inconclusive', 'reject'],
    ['a little better, which could be chance', { negative: 4, positive: 8 }, 'pass', 'pass'],
  ])('judges a candidate that is %s', (_claim, flips, verdict, decision) => {
    expect(judgeTable({ nonInferior: { sums: 0.02 } }, 256, flips)).toMatchObject({
      decision,
      checks: [{ verdict, flips }],
    });
  });

  it('says of a worse candidate how much worse it is at least', () => {
    const [check] = judgeTable(NOT_WORSE, 256, { negative: 40, positive: 5 }).checks;
    expect(check?.sentence).toMatch(
      /the true difference is at most −9\.\d\d points \(95 % sure\), worse than the margin of 2 points allows/,
    );
    expect(check?.changedPValue).toBeLessThan(1e-6);
  });

  it('cannot show a margin of 0 with equal models, whatever the samples, and says so', () => {
    const judged = judgeTable({ nonInferior: { sums: 0 } }, 5_000, { negative: 0, positive: 0 });
    expect(judged).toMatchObject({
      decision: 'reject',
      checks: [{ verdict: 'inconclusive', power: { samplesNeeded: null } }],
    });
    expect(judged.sentence).toContain('a margin of 0 is shown by a better candidate only');
    expect(judgeTable({ nonInferior: { sums: 0 } }, 256, { negative: 2, positive: 30 }).decision).toBe('pass');
  });

  it('lets anything pass a margin of everything', () => {
    expect(judgeTable({ nonInferior: { sums: 1 } }, 10, { negative: 10, positive: 0 }).decision).toBe('pass');
  });

  it('asks superiority at 0 of the exact test: five flips of five are enough, four of four are not', () => {
    const better = (positive: number) =>
      judgeTable({ superior: { sums: 0 } }, 256, { negative: 0, positive }).checks[0];
    expect(better(5)).toMatchObject({ pass: true, pValue: 1 / 32, interval: { method: 'tango and exact mcnemar' } });
    expect(better(5)?.sentence).toContain('so it is better');
    expect(better(4)).toMatchObject({ verdict: 'inconclusive', pValue: 1 / 16 });
    expect(better(4)?.interval.low).toBeLessThan(0);
    expect(better(5)?.interval.low).toBeGreaterThan(0);
  });

  it('asks for more than a gain where superiority has a margin', () => {
    const gained = (positive: number) =>
      judgeTable({ superior: { sums: 0.05 } }, 400, { negative: 2, positive }).checks[0]?.verdict;
    expect([gained(50), gained(25), gained(4)]).toEqual(['pass', 'inconclusive', 'fail']);
  });

  /** A check as numbers, none of them absent. */
  const numbersOf = ({ interval, pValue, adjustedAlpha, difference }: GateCheck) =>
    z
      .object({
        low: z.number(),
        high: z.number(),
        level: z.number(),
        p: z.number(),
        alpha: z.number(),
        seen: z.number(),
      })
      .parse({ ...interval, p: pValue, alpha: adjustedAlpha, seen: difference });

  it('never has a verdict that its interval contradicts', () => {
    const [flips, margins] = [fc.nat(30), fc.constantFrom(0, 0.01, 0.05)];
    fc.assert(
      fc.property(flips, flips, fc.integer({ min: 1, max: 600 }), margins, (negative, positive, same, margin) => {
        const spec = { nonInferior: { sums: margin }, superior: { sums: margin } };
        for (const check of judgeTable(spec, negative + positive + same, { negative, positive }).checks) {
          const bound = check.rule === 'superior' ? margin : -margin;
          const { low, high, level, p, alpha, seen } = numbersOf(check);
          expect(level).toBeCloseTo(1 - 2 * alpha, 12);
          expect(check.pass).toBe(p <= alpha);
          expect(check.pass, check.sentence).toBe(low > bound);
          expect(check.verdict === 'fail').toBe(!check.pass && high < bound);
          expect(low).toBeLessThanOrEqual(seen + 1e-12);
          expect(high).toBeGreaterThanOrEqual(seen - 1e-12);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('never passes with fewer samples than the spec wants, but still says what is clearly worse', () => {
    const judged = judgeTable({ ...NOT_WORSE, minSamples: 300 }, 256, { negative: 0, positive: 0 });
    expect(judged).toMatchObject({
      decision: 'reject',
      checks: [{ verdict: 'inconclusive', power: { passProbability: 0, samplesNeeded: 300 } }],
    });
    expect(judged.sentence).toMatch(/the gate asks for at least 300 samples; .*; about 300 samples are needed$/);
    expect(judgeTable({ ...NOT_WORSE, minSamples: 300 }, 256, { negative: 40, positive: 5 }).checks[0]?.verdict).toBe(
      'fail',
    );
  });
});

describe('floors and negative flips', () => {
  it('judge the number itself, a floor also while nothing is published', () => {
    const { candidate } = makeTable(100, { negative: 0, positive: 0 }, 0.95);
    expect(judge({ floors: { sums: 0.95 } }, { sums: candidate })).toMatchObject({
      decision: 'pass',
      absent: ['published'],
      sentence: 'passed: sums 95.0 %, floor 95.0 %; nothing is published yet',
      checks: [{ rule: 'floor', reference: null, pValue: null, interval: { method: 'wilson', level: 0.9 } }],
    });
    expect(judge({ floors: { sums: 0.951 } }, { sums: candidate })).toMatchObject({
      decision: 'reject',
      checks: [
        { verdict: 'fail', sentence: expect.stringContaining('95.0 % on 100 samples is under the floor of 95.1 %') },
      ],
    });
  });

  it('hold a floor on the binary fractions of an exact score', () => {
    const tenths = makeEvaluation(Array.from({ length: 10 }, (_, index) => (index < 3 ? 1 : 0)));
    expect(judge({ floors: { sums: 0.1 + 0.2 } }, { sums: tenths }).decision).toBe('pass');
  });

  it('cap the share of samples that became wrong, however many became right', () => {
    const flips = { negative: 6, positive: 60 };
    expect(judgeTable({ negativeFlips: { sums: 0.02 } }, 300, flips)).toMatchObject({
      decision: 'pass',
      checks: [{ flips }],
    });
    const [check] = judgeTable({ negativeFlips: { sums: 0.019 } }, 300, flips).checks;
    expect(check).toMatchObject({ pass: false, verdict: 'fail', difference: 0.18 });
    expect(check?.sentence).toBe(
      'sums: 6 of 300 samples that the published M1 has right are now wrong (2 %), over the cap of 1.9 %; 60 became right.',
    );
  });

  it('refuse to count flips between shares', () => {
    const between = makeEvaluation([0.4, 1]);
    expect(() =>
      judge({ negativeFlips: { sums: 0.1 } }, { sums: between }, makeReference('published', { sums: between })),
    ).toThrow(code('GATE_FLIPS_UNCOUNTABLE'));
  });
});

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

describe('several suites and references', () => {
  it("judges suites one by one at Holm's levels: a great one never pays for a bad one, and the sentence tells the bad one", () => {
    const [good, bad] = [makeTable(256, { negative: 0, positive: 40 }), makeTable(256, { negative: 40, positive: 5 })];
    const judged = judge(
      { nonInferior: { sums: 0.02, words: 0.02 } },
      { sums: good.candidate, words: bad.candidate },
      makeReference('published', { sums: good.reference, words: bad.reference }),
    );
    expect(judged.decision).toBe('reject');
    expect(judged.checks.map(({ suite, pass, adjustedAlpha }) => [suite, pass, adjustedAlpha])).toEqual([
      ['sums', true, 0.025],
      ['words', false, 0.05],
    ]);
    expect(judged.sentence).toMatch(/^rejected: words: .*; 1 other check passed$/);
  });

  it('counts every suite, rule and reference as a test of its own', () => {
    const { candidate, reference } = makeTable(256, { negative: 1, positive: 2 });
    const judged = judge(
      { against: ['published', 'base'], nonInferior: { sums: 0.02 }, superior: { sums: 0 } },
      { sums: candidate },
      makeReference('published', { sums: reference }),
      makeReference('base', { sums: makeTable(256, { negative: 1, positive: 2 }, 0.1).candidate }),
    );
    expect(judged.checks.map((check) => [check.reference?.kind, check.rule])).toEqual([
      ['published', 'nonInferior'],
      ['published', 'superior'],
      ['base', 'nonInferior'],
      ['base', 'superior'],
    ]);
    expect(judged.checks[0]?.referenceScore).toBeGreaterThan((judged.checks[2]?.referenceScore ?? 1) + 0.5);
    expect(Math.min(...judged.checks.map(({ adjustedAlpha }) => adjustedAlpha ?? 1))).toBe(0.05 / 4);
    expect(judged.references.map(({ kind }) => kind)).toEqual(['published', 'base']);
    expect(gateDecisionSchema.parse(JSON.parse(JSON.stringify(judged)))).toEqual(judged);
  });

  it('leaves out a reference that does not exist, and says so', () => {
    expect(judge({ against: ['published', 'plain'], nonInferior: { sums: 0.01 } }, {})).toEqual({
      decision: 'pass',
      sentence: 'passed: nothing is published yet; there is no plain arm at this release',
      alpha: 0.05,
      references: [],
      absent: ['published', 'plain'],
      checks: [],
    });
    const judged = judgeTable({ ...NOT_WORSE, against: ['published', 'previous'] }, 256, { negative: 0, positive: 0 });
    expect(judged).toMatchObject({ decision: 'pass', absent: ['previous'] });
    expect(judged.sentence).toContain('there is no previous release');
  });

  it('compares with no other reference than the spec says', () => {
    const { candidate, reference } = makeTable(256, { negative: 90, positive: 0 });
    expect(
      judge({ ...NOT_WORSE, against: 'base' }, { sums: candidate }, makeReference('published', { sums: reference })),
    ).toMatchObject({
      decision: 'pass',
      references: [],
      absent: ['base'],
    });
  });

  it('passes a lineage without a gate, and a gate that names no suite', () => {
    expect(judge(null, {})).toMatchObject({ decision: 'pass', sentence: 'passed: no gate is declared', checks: [] });
    const { candidate, reference } = makeTable(10, { negative: 10, positive: 0 });
    expect(judge({}, { sums: candidate }, makeReference('published', { sums: reference }))).toMatchObject({
      decision: 'pass',
      sentence: 'passed: the gate names no suite',
    });
  });
});

describe('what is not comparable', () => {
  const outcomes = [1, 0, 1];
  const judged =
    (candidate: GateEvaluation, reference: GateEvaluation): (() => unknown) =>
    () =>
      judge(NOT_WORSE, { sums: candidate }, makeReference('published', { sums: reference }));
  const renamed = (id: string): GateEvaluation => {
    const evaluation = makeEvaluation(outcomes);
    return {
      ...evaluation,
      samples: evaluation.samples.map((sample, index) => (index === 1 ? { ...sample, id } : sample)),
    };
  };

  it.each([
    ['suite', makeEvaluation(outcomes, { suiteDigest: digestOf('another') }), digestOf('another').slice(0, 12)],
    ['harness', makeEvaluation(outcomes, { harnessDigest: digestOf('another') }), digestOf('another').slice(0, 12)],
    ['unit', makeEvaluation(outcomes, { unit: 'nats' }), 'outcomes in nats'],
    ['sample', renamed('other'), 'has sample `s1`'],
    ['number of samples', makeEvaluation([...outcomes, 1]), 'lacks sample `s3`'],
    ['sample twice', renamed('s0'), 'has sample `s1`'],
    [
      'weight',
      makeEvaluation(outcomes, { weights: [1, 2, 1] }),
      'counts sample `s1` 1 times, the published M1 2 times',
    ],
  ])('refuses an unlike %s, naming both', (_what, reference, named) => {
    const run = judged(makeEvaluation(outcomes), reference);
    expect(run).toThrow(RegraftError);
    expect(run).toThrow(code('GATE_UNLIKE_COMPARISON'));
    expect(run).toThrow(named);
    expect(run).toThrow('the candidate');
    expect(run).toThrow('the published M1');
  });

  it('refuses a sample twice in the candidate', () => {
    const twice = makeEvaluation(outcomes);
    const doubled = { ...twice, samples: [...twice.samples, twice.samples[0]!] };
    expect(judged(doubled, twice)).toThrow(code('GATE_UNLIKE_COMPARISON'));
    expect(judged(twice, doubled)).toThrow(code('GATE_UNLIKE_COMPARISON'));
  });

  it.each([
    ['the candidate', { words: makeEvaluation(outcomes) }, { sums: makeEvaluation(outcomes) }],
    ['the published M1', { sums: makeEvaluation(outcomes) }, { words: makeEvaluation(outcomes) }],
  ])('refuses a suite that %s has no score on, and names those it has', (whose, candidate, reference) => {
    const run = (): unknown => judge(NOT_WORSE, candidate, makeReference('published', reference));
    expect(run).toThrow(code('GATE_SUITE_MISSING'));
    expect(run).toThrow(
      `Suite \`sums\`: ${whose} has no score on it, found only words; evaluate it or take the suite out of the gate.`,
    );
  });

  it('refuses a floor on a suite that was not scored', () => {
    expect(() => judge({ floors: { sums: 0.5 } }, {})).toThrow('found none at all');
  });

  it.each([[NaN], [Infinity], [1.5], [-0.1]])('refuses the outcome %d where shares are counted', (outcome) => {
    expect(judged(makeEvaluation([1, outcome, 0]), makeEvaluation(outcomes))).toThrow(code('GATE_OUTCOME_INVALID'));
    expect(judged(makeEvaluation(outcomes), makeEvaluation([1, outcome, 0]))).toThrow('sample `s1`');
  });
});
