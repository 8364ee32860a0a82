import { describe, expect, it } from 'vitest';
import { checkpointsToKeep } from '../../policy/keep-checkpoints.ts';

describe('the checkpoints that keep their full state', () => {
  it.each([
    ['the newest by number, 10000 after 900', [900, 1000, 10_000, 5000], 2, [5000, 10_000]],
    ['all where there are no more than asked for', [25, 50], 5, [25, 50]],
    ['the newest even where none is asked for: a resume needs it', [25, 50], 0, [50]],
    ['none where there is none', [], 2, []],
  ])('are %s', (_claim, steps, last, kept) => {
    expect([...checkpointsToKeep(steps, last)].sort((left, right) => left - right)).toEqual(kept);
  });

  it('are picked without touching the list that was given', () => {
    const steps = Object.freeze([900, 10_000, 25]);
    checkpointsToKeep(steps, 1);
    expect(steps).toEqual([900, 10_000, 25]);
  });
});
