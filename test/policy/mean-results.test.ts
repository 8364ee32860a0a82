import { describe, expect, it } from 'vitest';
import { meanResults } from '../../policy/mean-results.ts';

describe('meanResults', () => {
  it('scores the share of samples answered exactly', () => {
    const sample = { lossNats: 0, answerTokens: 1 };
    const samples = [true, false, false, true].map((correct) => ({ ...sample, correct }));
    expect(meanResults(samples).score).toBe(0.5);
  });

  it('weighs losses by answer tokens, not by samples', () => {
    const { lossNats } = meanResults([
      { correct: false, lossNats: 2, answerTokens: 1 },
      { correct: false, lossNats: 1, answerTokens: 3 },
    ]);
    expect(lossNats).toBe(1.25);
  });
});
