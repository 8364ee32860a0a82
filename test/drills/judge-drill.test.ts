import { describe, expect, it } from 'vitest';
import type { Drill } from '../../drills/drill.ts';
import { failedDrill, judgeDrill } from '../../drills/judge-drill.ts';
import type { Measured } from '../../drills/lab/measure.ts';

const DRILL: Drill = {
  fault: 'tripped-cable',
  summary: 'somebody trips over a cable',
  promise: { stepsLost: 'one interval', continuity: ['verified'] },
  run: () => Promise.reject(new Error('not held')),
};
const GOOD: Measured = {
  stepsLost: 10,
  secondsToTraining: 4,
  continuity: 'verified',
  curveEqual: true,
  finalDigestEqual: true,
};
const brokenBy = (change: Partial<Measured>, drill = DRILL): readonly string[] =>
  judgeDrill(drill, { ...GOOD, ...change }, 10).broken;

describe('judging a drill', () => {
  it('finds nothing broken when all is as promised, up to the last allowed step', () => {
    expect(judgeDrill(DRILL, GOOD, 10)).toEqual({ fault: 'tripped-cable', ...GOOD, broken: [] });
  });

  it.each([
    ['one step too many lost', { stepsLost: 11 }, '11 steps were lost, at most 10 may be'],
    ['a broken replay', { continuity: 'broken' }, 'the replayed steps came out as "broken", promised is "verified"'],
    ['another curve', { curveEqual: false }, "the training curve is not the undisturbed run's"],
    ['other weights', { finalDigestEqual: false }, "the final weights are not the undisturbed run's"],
  ] as const)('names %s', (_, change, sentence) => {
    expect(brokenBy(change)).toEqual([sentence]);
  });

  it('allows no step at all where none may be lost, and two intervals where the newest checkpoint is gone', () => {
    const none: Drill = { ...DRILL, promise: { ...DRILL.promise, stepsLost: 0 } };
    const two: Drill = { ...DRILL, promise: { ...DRILL.promise, stepsLost: 'two intervals' } };
    expect(brokenBy({ stepsLost: 1 }, none)).toEqual(['1 steps were lost, at most 0 may be']);
    expect(brokenBy({ stepsLost: 20 }, two)).toEqual([]);
    expect(brokenBy({ stepsLost: 21 }, two)).toHaveLength(1);
  });

  it('names everything that is broken at once', () => {
    expect(brokenBy({ stepsLost: 11, curveEqual: false, finalDigestEqual: false })).toHaveLength(3);
  });

  it('has no measurements for a drill that did not come to its end', () => {
    expect(failedDrill(DRILL, 'Waited in vain.')).toMatchObject({ stepsLost: null, broken: ['Waited in vain.'] });
  });
});
