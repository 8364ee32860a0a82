import type { Drill, DrillRow } from './drill.ts';
import type { Measured } from './lab/measure.ts';

/** Holds what was measured against the promise. `saveEvery`: steps of a checkpoint interval. */
export function judgeDrill({ fault, promise }: Drill, measured: Measured, saveEvery: number): DrillRow {
  const { stepsLost, continuity, curveEqual, finalDigestEqual } = measured;
  const allowed = { 0: 0, 'one interval': saveEvery, 'two intervals': 2 * saveEvery }[promise.stepsLost];
  const broken: string[] = [];
  if (stepsLost > allowed) broken.push(`${String(stepsLost)} steps were lost, at most ${String(allowed)} may be`);
  if (!promise.continuity.includes(continuity)) {
    broken.push(`the replayed steps came out as "${continuity}", promised is "${promise.continuity.join('" or "')}"`);
  }
  if (!curveEqual) broken.push("the training curve is not the undisturbed run's");
  if (!finalDigestEqual) broken.push("the final weights are not the undisturbed run's");
  return { fault, ...measured, broken };
}

/** The row of a drill that did not come to its end. */
export function failedDrill({ fault }: Drill, why: string): DrillRow {
  const nothing = {
    stepsLost: null,
    secondsToTraining: null,
    continuity: null,
    curveEqual: null,
    finalDigestEqual: null,
  };
  return { fault, ...nothing, broken: [why] };
}
