import { describe, expect, it } from 'vitest';
import { judge, judgeTable, makeEvaluation, makeReference, makeTable } from './gate-values.ts';

const code = (wanted: string): Error => expect.objectContaining({ code: wanted, retryable: false }) as Error;

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
