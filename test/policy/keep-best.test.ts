import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepBest } from '../../policy/keep-best.ts';
import { makeStep } from '../support/lineage-values.ts';

describe('keepBest', () => {
  it('keeps the best checkpoint, not the last', () => {
    const best = makeStep(50, { score: 0.8 });
    expect(keepBest([makeStep(0, { score: 0.2 }), best, makeStep(100, { score: 0.7 })])).toBe(best);
  });

  it('keeps step 0 when fine-tuning hurt a good merge', () => {
    const merged = makeStep(0, { score: 0.771 });
    expect(keepBest([merged, makeStep(100, { score: 0.77 })])).toBe(merged);
  });

  it('breaks a tie of scores by the lower loss', () => {
    const lower = makeStep(100, { score: 0.8, lossNats: 0.3 });
    expect(keepBest([makeStep(50, { score: 0.8, lossNats: 0.4 }), lower])).toBe(lower);
  });

  it('breaks a full tie by the earlier step, step 0 first', () => {
    const steps = [makeStep(0), makeStep(50), makeStep(100)];
    fc.assert(
      fc.property(fc.shuffledSubarray(steps, { minLength: 3 }), (shuffled) => {
        expect(keepBest(shuffled).step).toBe(0);
      }),
    );
  });

  it('never lets a lower loss outrank the score that the gate judges', () => {
    const scored = makeStep(50, { score: 0.8, lossNats: 2 });
    expect(keepBest([makeStep(25, { score: 0.799, lossNats: 0.1 }), scored])).toBe(scored);
  });

  it('takes the earlier of equal scores where one of them has no loss', () => {
    const early = makeStep(25, { score: 0.8, lossNats: null });
    expect(keepBest([makeStep(50, { score: 0.8, lossNats: 0.1 }), early])).toBe(early);
    const known = makeStep(25, { score: 0.8, lossNats: 0.1 });
    expect(keepBest([known, makeStep(50, { score: 0.8, lossNats: null })])).toBe(known);
  });

  it('knows that log-likelihoods are better when higher, too', () => {
    const best = makeStep(50, { score: -1.2, unit: 'nats', lossNats: 1.2 });
    expect(keepBest([makeStep(25, { score: -1.3, unit: 'nats', lossNats: 1.3 }), best])).toBe(best);
  });

  it('never keeps a score that is no number beside one that is', () => {
    const number = makeStep(50, { score: 0 });
    expect(keepBest([makeStep(0, { score: NaN }), number])).toBe(number);
    expect(keepBest([number, makeStep(75, { score: NaN })])).toBe(number);
  });

  it('looks at the target suite alone', () => {
    const best = makeStep(50, { score: 0.8 }, { suite: 'other', score: 0.1 });
    expect(keepBest([makeStep(0, { score: 0.7 }, { suite: 'other', score: 1 }), best])).toBe(best);
  });

  it('refuses an empty list and a step without suites by a RangeError', () => {
    expect(() => keepBest([])).toThrow(RangeError);
    const bare = { step: 0, modelDigest: 'x', suites: [] };
    expect(() => keepBest([bare, makeStep(25)])).toThrow(RangeError);
  });
});
