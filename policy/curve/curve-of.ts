import type { CurveEvaluation } from '../../contracts/curve.schema.ts';
import type { EvaluatedStep } from '../../contracts/run-record.schema.ts';

/** A run's evaluations on the target suite (the first of the spec), in the order of the input. */
export function curveOf(evaluations: readonly EvaluatedStep[]): readonly CurveEvaluation[] {
  return evaluations.flatMap(({ step, suites: [target] }) =>
    target === undefined
      ? []
      : [{ step, score: target.score, standardError: target.standardError, lossNats: target.lossNats }],
  );
}
