import { describe, expect, it } from 'vitest';
import { chooseMode } from '../../inference/choose-mode.ts';

const float32 = (all: number) => ({ all, float32: all });
const write = (generatedTokens: number) => ({ scoredTokens: 0, generatedTokens });
const score = (scoredTokens: number) => ({ scoredTokens, generatedTokens: 0 });

describe('chooseMode', () => {
  it('copies float32 weights from 220 tokens written or 3,300 scored on, at any size', () => {
    for (const size of [1000, 1e9]) {
      expect([219, 220].map((tokens) => chooseMode(write(tokens), float32(size)))).toEqual(['in-place', 'prepacked']);
      expect([3299, 3300].map((tokens) => chooseMode(score(tokens), float32(size)))).toEqual(['in-place', 'prepacked']);
    }
    expect(chooseMode({ scoredTokens: 1650, generatedTokens: 110 }, float32(1e9))).toBe('prepacked');
  });

  it('leaves float32 weights in place when it does not know of any work', () => {
    expect(chooseMode(undefined, float32(1000))).toBe('in-place');
  });

  it('always copies weights that are cast anyway, and those of a mixed model the sooner', () => {
    expect(chooseMode(undefined, { all: 1000, float32: 0 })).toBe('prepacked');
    expect([21, 22].map((tokens) => chooseMode(write(tokens), { all: 1000, float32: 100 }))).toEqual([
      'in-place',
      'prepacked',
    ]);
  });

  it('copies no more than 8 GiB of weights that could stay in place', () => {
    expect(chooseMode(write(1e9), float32(2 ** 31))).toBe('prepacked');
    expect(chooseMode(write(1e9), float32(2 ** 31 + 1))).toBe('in-place');
  });
});
