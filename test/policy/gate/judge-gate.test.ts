import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { gateDecisionSchema, type GateCheck } from '../../../contracts/gate.schema.ts';
import { digestOf } from '../../support/lineage-values.ts';
import { judge, judgeTable, makeReference, makeTable } from './gate-values.ts';

const NOT_WORSE = { nonInferior: { sums: 0.02 } };

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
