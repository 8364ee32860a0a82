import { describe, expect, it } from 'vitest';
import { nearestWord } from '../../configs/nearest-word.ts';

describe('the nearest known word', () => {
  it.each([
    ['saveevery', ['saveEvery', 'seed'], 'saveEvery'],
    ['lr', ['learningRate', 'steps'], null],
    ['', ['a'], null],
    ['a', [], null],
  ])('to %j among %j is %j', (written, known, nearest) => {
    expect(nearestWord(written, known)).toBe(nearest);
  });
});
