import { describe, expect, it } from 'vitest';
import { meanResults } from '../../policy/mean-results.ts';

const SAMPLE = { outcome: 0, weight: 1, lossNats: 0, answerTokens: 1 };

describe('meanResults', () => {
  it('scores the share of samples answered right', () => {
    const samples = [1, 0, 0, 1].map((outcome) => ({ ...SAMPLE, outcome }));
    expect(meanResults(samples).score).toBe(0.5);
  });

  it('weighs outcomes, so that windows of text count by their tokens', () => {
    const samples = [
      { ...SAMPLE, outcome: -2, weight: 1 },
      { ...SAMPLE, outcome: -1, weight: 3 },
    ];
    expect(meanResults(samples).score).toBe(-1.25);
  });

  it('weighs losses by answer tokens, not by samples or weights', () => {
    const samples = [
      { ...SAMPLE, lossNats: 2, answerTokens: 1, weight: 9 },
      { ...SAMPLE, lossNats: 1, answerTokens: 3 },
    ];
    expect(meanResults(samples).lossNats).toBe(1.25);
  });

  it('has no loss where the harness leaves it out, for one sample or for all', () => {
    expect(meanResults([SAMPLE, { ...SAMPLE, lossNats: null, answerTokens: 0 }]).lossNats).toBeNull();
    expect(meanResults([{ ...SAMPLE, lossNats: null, answerTokens: 0 }]).lossNats).toBeNull();
    expect(meanResults([{ ...SAMPLE, answerTokens: 0 }]).lossNats).toBeNull();
  });

  it('knows how sure the score is: √(p(1 − p) ÷ n) for shares, by weights for the rest', () => {
    const shares = [1, 0, 0, 1].map((outcome) => ({ ...SAMPLE, outcome }));
    expect(meanResults(shares).standardError).toBeCloseTo(Math.sqrt(0.25 / 4), 12);
    const windows = [
      { ...SAMPLE, outcome: -2, weight: 1 },
      { ...SAMPLE, outcome: -1, weight: 3 },
    ];
    expect(meanResults(windows).standardError).toBeCloseTo(Math.sqrt(0.75 ** 2 + (3 * 0.25) ** 2) / 4, 12);
    expect(meanResults([SAMPLE]).standardError).toBe(0);
  });
});
