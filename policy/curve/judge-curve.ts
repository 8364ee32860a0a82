import type {
  CurveEvaluation,
  CurveState,
  CurveVerdict,
  StopSpec,
  TargetReference,
} from '../../contracts/curve.schema.ts';
import { stepsToTarget } from '../steps-to-target.ts';
import { findDivergence } from './find-divergence.ts';
import { findPlateau } from './find-plateau.ts';
import { sayTarget } from './say-target.ts';

/** What a spec that does not say is judged by; the schema's own defaults. */
const PLATEAU = { evaluations: 5 };
const DIVERGING = { evaluations: 3, lossRise: 0.5 };

export interface CurveRules {
  /** Steps that the training has. */
  readonly budgetSteps: number;
  /** The score to reach; null: none is known. */
  readonly target: TargetReference | null;
  /** Null: the training never ends early. The state is told all the same. */
  readonly stop: StopSpec | null;
  /** Of the newest training steps, one a step, ascending, nats. Default: not known. */
  readonly trainingLosses?: readonly number[];
}

/**
 * How a run's curve on the target suite stands, and whether its training should end. It ends at `budget spent`, and at each
 * other state for which the spec has a key: `target`, `plateau`, `diverging` (which stands for `not a number` too). Of
 * several states that hold, one that ends the training is told before one that does not; else the first in this order: not a
 * number, diverging, target reached, budget spent, plateau, improving, which is also said of a curve that is too short to
 * tell. Pure, and quick enough for a workflow.
 *
 * @param points ascending by step; step 0 is the start model, and may reach the target.
 */
export function judgeCurve(points: readonly CurveEvaluation[], rules: CurveRules): CurveVerdict {
  const { budgetSteps, target } = rules;
  const last = points.at(-1);
  if (last === undefined) {
    return { state: 'improving', reason: 'nothing was evaluated yet', stop: false, step: 0, stepsSaved: 0, target };
  }
  const found = findStates(points, last, rules);
  const ending = found.find(({ state }) => isEnd(state, rules.stop));
  const { state, reason } = ending ?? found[0] ?? { state: 'improving', reason: sayProgress(points, last, rules) };
  const stepsSaved = ending === undefined ? 0 : Math.max(0, budgetSteps - last.step);
  return { state, reason, stop: ending !== undefined, step: last.step, stepsSaved, target };
}

interface FoundState {
  readonly state: CurveState;
  readonly reason: string;
}

function findStates(
  points: readonly CurveEvaluation[],
  last: CurveEvaluation,
  { budgetSteps, target, stop, trainingLosses = [] }: CurveRules,
): readonly FoundState[] {
  const spent = last.step < budgetSteps ? null : `all ${String(budgetSteps)} steps are trained; ${sayBest(points)}`;
  const reasons: readonly (readonly [CurveState, string | null])[] = [
    ['not a number', notANumber(last, trainingLosses)],
    ['diverging', findDivergence(points, trainingLosses, stop?.diverging ?? DIVERGING)],
    ['target reached', reachedBy(points, target)],
    ['budget spent', spent],
    ['plateau', findPlateau(points, stop?.plateau ?? PLATEAU)],
  ];
  return reasons.flatMap(([state, reason]) => (reason === null ? [] : [{ state, reason }]));
}

function isEnd(state: CurveState, stop: StopSpec | null): boolean {
  switch (state) {
    case 'budget spent':
      return true;
    case 'target reached':
      return stop?.target !== undefined;
    case 'plateau':
      return stop?.plateau !== undefined;
    case 'diverging':
    case 'not a number':
      return stop?.diverging !== undefined;
    case 'improving':
      return false;
  }
}

function notANumber({ step, score, lossNats }: CurveEvaluation, trainingLosses: readonly number[]): string | null {
  if (!Number.isFinite(score)) return `the score at step ${String(step)} is ${String(score)}`;
  if (lossNats !== null && !Number.isFinite(lossNats)) return `the loss at step ${String(step)} is ${String(lossNats)}`;
  const odd = trainingLosses.find((loss) => !Number.isFinite(loss));
  return odd === undefined ? null : `a training loss near step ${String(step)} is ${String(odd)}`;
}

function reachedBy(points: readonly CurveEvaluation[], target: TargetReference | null): string | null {
  if (target === null) return null;
  const curve = points.map(({ step, score }) => ({ step, value: score }));
  const reached = stepsToTarget(curve, target.score, 'up');
  const score = points.find(({ step }) => step === reached)?.score;
  if (reached === null || score === undefined) return null;
  return `score ${score.toFixed(3)} at step ${String(reached)} reaches ${sayTarget(target)}`;
}

function sayBest(points: readonly CurveEvaluation[]): string {
  const best = points.reduce((high, point) => (point.score > high.score ? point : high));
  return `best ${best.score.toFixed(3)} at step ${String(best.step)}`;
}

function sayProgress(points: readonly CurveEvaluation[], { step }: CurveEvaluation, rules: CurveRules): string {
  const goal = rules.target === null ? '' : `; ${sayTarget(rules.target)}, is not reached`;
  return `step ${String(step)} of ${String(rules.budgetSteps)}, ${sayBest(points)}${goal}`;
}
