import { expect, it } from 'vitest';
import { spreadOf } from '../../../scripts/bench/statistics.ts';

it.each([
  { numbers: [3], spread: { median: 3, min: 3, max: 3 } },
  { numbers: [4, 1], spread: { median: 2.5, min: 1, max: 4 } },
  { numbers: [10, 9, 100], spread: { median: 10, min: 9, max: 100 } },
  { numbers: [5, 1, 2, 4], spread: { median: 3, min: 1, max: 5 } },
])('finds middle and ends of $numbers by size, not by text or order', ({ numbers, spread }) => {
  expect(spreadOf(numbers)).toEqual(spread);
});

it('leaves the numbers in their order', () => {
  const numbers = [3, 1, 2];
  spreadOf(numbers);
  expect(numbers).toEqual([3, 1, 2]);
});

it('refuses to make up a spread of nothing', () => {
  expect(() => spreadOf([])).toThrow('measure at least once');
});
