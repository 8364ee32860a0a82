/** A step of a curve with the value that counts. */
export interface CurvePoint {
  readonly step: number;
  readonly value: number;
}

/**
 * The first step whose value reaches the target: the paper's claim, measured. Null when none does.
 *
 * @param points ascending by step.
 * @param direction `up`: value ≥ target (scores); `down`: value ≤ target (losses).
 */
export function stepsToTarget(points: readonly CurvePoint[], target: number, direction: 'up' | 'down'): number | null {
  const hit = points.find((point) => (direction === 'up' ? point.value >= target : point.value <= target));
  return hit?.step ?? null;
}

/**
 * The share of the reference's steps that an arm did not need: 1 − arm ÷ reference. 0.75 is the field's "four times
 * fewer"; 1 is "already there at step 0"; negative is slower. Null when either never arrived or the reference needed
 * none.
 */
export function savingOver(referenceSteps: number | null, armSteps: number | null): number | null {
  if (referenceSteps === null || armSteps === null || referenceSteps === 0) return null;
  return 1 - armSteps / referenceSteps;
}
