import type { TargetReference } from '../../contracts/curve.schema.ts';

/** A target score, never without where it came from: `0.755, where the plain arm at M5 ended`. */
export function sayTarget(target: TargetReference): string {
  const score = target.score.toFixed(3);
  switch (target.kind) {
    case 'plain':
      return `${score}, where the plain arm at ${target.release} ended`;
    case 'previous':
      return `${score}, where ${target.release}, the release before, ended`;
    case 'declared':
      return `${score}, the declared target`;
  }
}
