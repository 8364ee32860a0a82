import { describe, expect, it } from 'vitest';
import type { Continuity } from '../../contracts/training-ledger.schema.ts';
import { trainingStepSchema, type TrainingStep } from '../../contracts/training-step.schema.ts';
import { compareReplay, worstContinuity } from '../../policy/continuity.ts';

const LOSS = 2.040_891_885_757_446_3;
/** The next number after LOSS that a float64 can be. */
const ONE_ULP_MORE = LOSS + 2 ** -51;

/** What the first attempt logged: steps 1 to 50. */
const BEFORE = steps(1, 50, 1);

function steps(from: number, to: number, attempt = 2, values: Partial<TrainingStep> = {}): readonly TrainingStep[] {
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const step = from + index;
    return trainingStepSchema.parse({ attempt, step, lossNats: LOSS / step, learningRate: 1e-3 / step, ...values });
  });
}

/** Steps 26 to 50 again, of which number 40 comes out otherwise. */
function replayWith(values: Partial<TrainingStep>): readonly TrainingStep[] {
  return [...steps(26, 39), ...steps(40, 40, 2, values), ...steps(41, 50)];
}

describe('a replay', () => {
  it('that is the same to the last bit is verified at tolerance 0', () => {
    expect(compareReplay(BEFORE, steps(26, 50), 0)).toEqual({
      verdict: 'verified',
      comparedSteps: 25,
      tolerance: 0,
      firstDifference: null,
    });
  });

  it('that is one unit in the last place off is broken at tolerance 0, and tells where it began', () => {
    expect(ONE_ULP_MORE).toBeGreaterThan(LOSS);
    const before = [...steps(26, 26, 1), ...steps(27, 27, 1, { lossNats: LOSS }), ...steps(28, 30, 1)];
    const after = [...steps(26, 26), ...steps(27, 27, 2, { lossNats: ONE_ULP_MORE }), ...steps(28, 30)];
    expect(compareReplay(before, after, 0)).toEqual({
      verdict: 'broken',
      comparedSteps: 2,
      tolerance: 0,
      firstDifference: { step: 27, before: LOSS, after: ONE_ULP_MORE },
    });
  });

  it('is judged by losses alone: times, memory and the attempt differ every time', () => {
    const replay = steps(26, 50, 7, { stepSeconds: 9, memoryBytes: 1, gradientNorm: 3, device: 'cpu' });
    expect(compareReplay(BEFORE, replay, 0).verdict).toBe('verified');
  });

  it.each([
    [0.01, 1.009, 'verified'],
    [0.01, 0.991, 'verified'],
    [0.01, 1.011, 'broken'],
    [0.01, 0.989, 'broken'],
    [0, 1 + 2 ** -50, 'broken'],
  ])('at tolerance %f with a loss %f times the one before is %s', (tolerance, factor, verdict) => {
    const replay = replayWith({ lossNats: (LOSS / 40) * factor });
    expect(compareReplay(BEFORE, replay, tolerance)).toMatchObject({ verdict, tolerance });
  });

  it('measures against the size of a loss, whatever its sign', () => {
    const [before, after] = [steps(1, 1, 1, { lossNats: -2 }), steps(1, 1, 2, { lossNats: -2.01 })];
    expect(compareReplay(before, after, 0.01).verdict).toBe('verified');
    expect(compareReplay(before, after, 0.001).verdict).toBe('broken');
  });

  it('with another learning rate is broken at any tolerance: the schedule began anew', () => {
    const replay = replayWith({ learningRate: 1e-3 / 40 + 2 ** -60 });
    expect(compareReplay(BEFORE, replay, 1)).toMatchObject({
      verdict: 'broken',
      comparedSteps: 15,
      firstDifference: { step: 40, before: LOSS / 40, after: LOSS / 40 },
    });
  });

  it.each([
    ['that goes on where the log ends', BEFORE, steps(51, 60)],
    ['without a step yet', BEFORE, []],
    ['of what nobody logged', [], steps(1, 5)],
  ])('%s has nothing to compare', (_claim, before, after) => {
    expect(compareReplay(before, after, 0)).toMatchObject({ verdict: 'nothing to compare', comparedSteps: 0 });
  });

  it('counts only steps that were logged before', () => {
    expect(compareReplay(BEFORE, steps(46, 60), 0)).toMatchObject({ verdict: 'verified', comparedSteps: 5 });
  });

  it('is compared with the newest of two attempts that both logged a step', () => {
    const first = steps(26, 30, 1, { lossNats: 9 });
    expect(compareReplay([...first, ...steps(26, 30, 2)], steps(26, 30, 3), 0).verdict).toBe('verified');
  });
});

describe('the continuity of a whole training', () => {
  const of = (...verdicts: readonly Continuity['verdict'][]): Continuity['verdict'] =>
    worstContinuity(verdicts.map((verdict) => ({ ...compareReplay([], [], 0), verdict })));

  it('is its worst resume', () => {
    expect(of('verified', 'broken', 'nothing to compare', 'verified')).toBe('broken');
    expect(of('nothing to compare', 'verified')).toBe('verified');
    expect(of('nothing to compare')).toBe('nothing to compare');
    expect(of()).toBe('nothing to compare');
  });
});
