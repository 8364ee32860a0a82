import type { Drill } from './drill.ts';
import { SAVE_EVERY, STEPS } from './lab/drill-place.ts';
import { measure } from './lab/measure.ts';

/** As soon as an activity hears of it: it asks the trainer to save within two heartbeats. */
const TOLD_WITHIN_MS = 20_000;

/** The trainer is held still until it is told to stop: it would be done before. */
export const runCancelled: Drill = {
  fault: 'run-cancelled',
  summary: 'a user cancels the release in mid-training, and has it tried again once the trainer is gone',
  promise: { stepsLost: 0, continuity: ['nothing to compare'] },
  async run(place, reference) {
    await place.startWorker();
    await place.declare();
    const trainer = await place.trainer();
    await trainer.freezeAfter(25, { steps: STEPS, saveEvery: SAVE_EVERY });
    const faultAt = Date.now();
    await place.cancel();
    await trainer.untilToldToStop(TOLD_WITHIN_MS);
    trainer.thaw();
    await trainer.untilGone();
    await place.untilRelease('cancelled');
    await place.retry();
    return measure(place, reference, faultAt);
  },
};
