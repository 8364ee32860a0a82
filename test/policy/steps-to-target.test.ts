import { describe, expect, it } from 'vitest';
import { savingOver, stepsToTarget } from '../../policy/steps-to-target.ts';

const curve = (...values: readonly number[]): readonly { step: number; value: number }[] =>
  values.map((value, index) => ({ step: index * 25, value }));

describe('stepsToTarget', () => {
  it.each([
    ['the first step that reaches a score', curve(0.1, 0.5, 0.7), 0.6, 'up', 50],
    ['a score reached exactly', curve(0.1, 0.6, 0.7), 0.6, 'up', 25],
    ['step 0 when the start already reaches it', curve(0.9, 0.5), 0.6, 'up', 0],
    ['the first time, though the curve falls again', curve(0.1, 0.7, 0.2, 0.8), 0.6, 'up', 25],
    ['the first step at or under a loss', curve(2, 1, 0.5), 1, 'down', 25],
  ] as const)('finds %s', (_claim, points, target, direction, expected) => {
    expect(stepsToTarget(points, target, direction)).toBe(expected);
  });

  it.each(['up', 'down'] as const)('finds nothing when no point arrives going %s', (direction) => {
    expect(stepsToTarget(curve(0.5, 0.5), direction === 'up' ? 0.51 : 0.49, direction)).toBeNull();
    expect(stepsToTarget([], 0.5, direction)).toBeNull();
  });
});

describe('savingOver', () => {
  it.each([
    ['a quarter of the steps saves three quarters', 100, 25, 0.75],
    ['as many steps save nothing', 100, 100, 0],
    ['already there saves everything', 100, 0, 1],
    ['twice the steps is a loss', 100, 200, -1],
    ['undefined when the reference never arrived', null, 25, null],
    ['undefined when the arm never arrived', 100, null, null],
    ['undefined when the reference needed none', 0, 0, null],
  ])('%s', (_claim, reference, arm, expected) => {
    expect(savingOver(reference, arm)).toBe(expected);
  });
});
