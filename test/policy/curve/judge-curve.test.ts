import { describe, expect, it } from 'vitest';
import {
  curveVerdictSchema,
  stopSchema,
  type CurveEvaluation,
  type CurveVerdict,
  type TargetReference,
} from '../../../contracts/curve.schema.ts';
import { curveOf } from '../../../policy/curve/curve-of.ts';
import { judgeCurve, type CurveRules } from '../../../policy/curve/judge-curve.ts';
import { makeStep } from '../../support/lineage-values.ts';

/** Evaluations at steps 0, 100, 200, …; a loss is none where it is left out. */
function curve(
  scores: readonly number[],
  losses: readonly number[] = [],
  standardError: number | null = 0.02,
): CurveEvaluation[] {
  return scores.map((score, index) => ({ step: 100 * index, score, standardError, lossNats: losses[index] ?? null }));
}

interface Setting extends Partial<Omit<CurveRules, 'stop'>> {
  readonly stop?: Readonly<Record<string, unknown>>;
}

function judge(points: readonly CurveEvaluation[], { stop, ...rules }: Setting = {}): CurveVerdict {
  const spec = stop === undefined ? null : stopSchema.parse(stop);
  return judgeCurve(points, { budgetSteps: 5_000, target: null, stop: spec, ...rules });
}

const PLAIN: TargetReference = { kind: 'plain', release: 'M5', score: 0.755, steps: 900 };
const FLAT = [0.2, 0.5, 0.7, 0.71, 0.7, 0.69, 0.7, 0.71];

describe('judgeCurve', () => {
  it('has nothing to say of no evaluation', () => {
    expect(judge([])).toEqual({
      state: 'improving',
      reason: 'nothing was evaluated yet',
      stop: false,
      step: 0,
      stepsSaved: 0,
      target: null,
    });
  });

  it('calls a rising curve improving, and one too short to tell', () => {
    expect(judge(curve([0.1, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8]), { stop: { plateau: {} } })).toMatchObject({
      state: 'improving',
      stop: false,
      step: 600,
      reason: 'step 600 of 5000, best 0.800 at step 600',
    });
    expect(judge(curve([0.5, 0.5, 0.5, 0.5, 0.5]), { stop: { plateau: {} } }).state).toBe('improving');
  });

  it('reports a state without stopping where the spec says nothing', () => {
    const verdict = judge(curve(FLAT));
    expect(verdict).toMatchObject({ state: 'plateau', stop: false, stepsSaved: 0 });
    expect(curveVerdictSchema.parse(JSON.parse(JSON.stringify(verdict)))).toEqual(verdict);
  });
});

describe('a plateau', () => {
  it('is five evaluations that bring no more than one standard error, and stops with the steps that it saves', () => {
    expect(judge(curve(FLAT), { stop: { plateau: {} } })).toEqual({
      state: 'plateau',
      reason: 'the last 5 evaluations brought only 0.0100 over the 0.700 of step 200; one standard error is 0.0200',
      stop: true,
      step: 700,
      stepsSaved: 4_300,
      target: null,
    });
  });

  it('is not there when one of the five is better beyond noise', () => {
    expect(judge(curve([0.2, 0.5, 0.7, 0.71, 0.7, 0.73, 0.7, 0.71]), { stop: { plateau: {} } }).state).toBe(
      'improving',
    );
  });

  it('takes a declared window and a declared improvement', () => {
    expect(judge(curve(FLAT), { stop: { plateau: { evaluations: 6, minImprovement: 0.01 } } }).state).toBe('improving');
    expect(judge(curve([0.5, 0.5, 0.5]), { stop: { plateau: { evaluations: 2 } } })).toMatchObject({
      state: 'plateau',
      reason: 'the last 2 evaluations brought nothing over the 0.500 of step 0; one standard error is 0.0200',
    });
    const slow = curve([0.5, 0.51, 0.52, 0.53, 0.54, 0.55, 0.56]);
    expect(judge(slow, { stop: { plateau: { minImprovement: 0.06 } } }).state).toBe('plateau');
    expect(judge(slow, { stop: { plateau: { minImprovement: 0.049 } } }).state).toBe('improving');
  });

  it('is not a score that lies still while the loss falls: right and wrong rise late', () => {
    const still = [0, 0, 0, 0, 0, 0, 0, 0];
    expect(judge(curve(still, [3, 2.8, 2.5, 2.2, 2, 1.8, 1.6, 1.4]), { stop: { plateau: {} } }).state).toBe(
      'improving',
    );
    expect(judge(curve(still, [3, 2.8, 2.5, 2.5, 2.5, 2.49, 2.5, 2.49]), { stop: { plateau: {} } }).state).toBe(
      'plateau',
    );
  });

  it('is a perfect score, though the loss still falls', () => {
    const perfect = [0.9, 1, 1, 1, 1, 1, 1];
    expect(judge(curve(perfect, [1, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]), { stop: { plateau: {} } }).state).toBe('plateau');
  });
});

describe('a target', () => {
  const reaching = curve([0.1, 0.5, 0.76, 0.74]);

  it('is reached at the first evaluation that has its score, and says where the score came from', () => {
    expect(judge(reaching, { target: PLAIN, stop: { target: 'plain' } })).toEqual({
      state: 'target reached',
      reason: 'score 0.760 at step 200 reaches 0.755, where the plain arm at M5 ended',
      stop: true,
      step: 300,
      stepsSaved: 4_700,
      target: PLAIN,
    });
  });

  it('may be reached by the start model: everything is saved', () => {
    const target: TargetReference = { kind: 'declared', score: 0.7 };
    expect(judge(curve([0.7]), { target, stop: { target: 0.7 } })).toMatchObject({
      stop: true,
      stepsSaved: 5_000,
      reason: 'score 0.700 at step 0 reaches 0.700, the declared target',
    });
  });

  it('is told as not reached, with its source', () => {
    const target: TargetReference = { kind: 'previous', release: 'M4', score: 0.9, steps: null };
    expect(judge(reaching, { target, stop: { target: 'previous' } })).toMatchObject({
      state: 'improving',
      stop: false,
      reason: 'step 300 of 5000, best 0.760 at step 200; 0.900, where M4, the release before, ended, is not reached',
    });
  });

  it('does not hide a plateau that ends the training, when it is known but nobody stops at it', () => {
    const target: TargetReference = { kind: 'previous', release: 'M4', score: 0.6, steps: null };
    expect(judge(curve(FLAT), { target, stop: { plateau: {} } })).toMatchObject({ state: 'plateau', stop: true });
    expect(judge(curve(FLAT), { target })).toMatchObject({ state: 'target reached', stop: false });
  });
});

describe('divergence', () => {
  it('is a loss that stays over its lowest by half, with a score that fell', () => {
    const points = curve([0.3, 0.7, 0.4, 0.3, 0.2], [2, 1, 1.6, 1.9, 2.5]);
    expect(judge(points, { stop: { diverging: {} } })).toMatchObject({
      state: 'diverging',
      stop: true,
      stepsSaved: 4_600,
      reason:
        'the loss was over 1.500 nats in the last 3 evaluations, 2.500 at step 400 with a score of 0.200, after 1.000 with 0.700 at step 100',
    });
    expect(judge(points)).toMatchObject({ state: 'diverging', stop: false });
  });

  it.each([
    ['a loss that rises while the score holds: overconfidence', [0.3, 0.7, 0.71, 0.7, 0.7], [2, 1, 1.6, 1.9, 2.5]],
    ['a rise that one evaluation interrupts', [0.3, 0.7, 0.4, 0.3, 0.2], [2, 1, 1.6, 1.4, 2.5]],
    ['a rise of hardly anything over hardly anything', [0.3, 0.9, 0.8, 0.8, 0.8], [2, 0.01, 0.05, 0.06, 0.07]],
    ['two evaluations', [0.7, 0.2], [1, 3]],
  ])('is not %s', (_claim, scores, losses) => {
    expect(judge(curve(scores, losses), { stop: { diverging: {} } }).state).not.toBe('diverging');
  });

  it('is seen by the loss alone where the score has nowhere to fall', () => {
    expect(judge(curve([0, 0, 0, 0], [2, 3.5, 4, 5])).state).toBe('diverging');
  });

  it('is seen in training losses, beyond their own noise', () => {
    const steps = (count: number, height: number, noise: number): number[] =>
      Array.from({ length: count }, (_, index) => height + noise * (((index * 7) % 5) - 2));
    const points = curve([0.3, 0.4]);
    const rising = [...steps(60, 1, 0.02), ...steps(20, 1.8, 0.02)];
    expect(judge(points, { trainingLosses: rising })).toMatchObject({
      state: 'diverging',
      reason: 'the training loss of the last 20 steps has median 1.800 nats, after 1.000',
    });
    expect(judge(points, { trainingLosses: [...steps(60, 1, 0.4), ...steps(20, 1.8, 0.4)] }).state).toBe('improving');
    expect(judge(points, { trainingLosses: steps(80, 1, 0.02) }).state).toBe('improving');
    expect(judge(points, { trainingLosses: [...steps(19, 1, 0.02), ...steps(20, 9, 0.02)] }).state).toBe('improving');
  });
});

describe('what is no number', () => {
  it.each([
    ['a score', curve([0.3, NaN]), [], 'the score at step 100 is NaN'],
    ['a loss', curve([0.3, 0.3], [1, Infinity]), [], 'the loss at step 100 is Infinity'],
    ['a training loss', curve([0.3]), [1, NaN], 'a training loss near step 0 is NaN'],
  ])('is %s', (_what, points, trainingLosses, reason) => {
    expect(judge(points, { trainingLosses, stop: { diverging: {} } })).toMatchObject({
      state: 'not a number',
      reason,
      stop: true,
    });
    expect(judge(points, { trainingLosses })).toMatchObject({ state: 'not a number', stop: false });
  });
});

describe('a budget', () => {
  it('is spent at its last step: that always stops, and saves nothing', () => {
    expect(judge(curve([0.1, 0.2, 0.3]), { budgetSteps: 200 })).toMatchObject({
      state: 'budget spent',
      stop: true,
      stepsSaved: 0,
      reason: 'all 200 steps are trained; best 0.300 at step 200',
    });
  });
});

describe('curveOf', () => {
  it('reads the target suite, the first, of every evaluation', () => {
    const steps = [
      makeStep(0, { score: 0.2, lossNats: null }, { suite: 'other', score: 1 }),
      makeStep(50, { score: 0.4 }),
    ];
    expect(curveOf(steps).map(({ step, score, lossNats }) => [step, score, lossNats])).toEqual([
      [0, 0.2, null],
      [50, 0.4, 1],
    ]);
  });
});
