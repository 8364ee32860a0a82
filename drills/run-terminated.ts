import type { Drill } from './drill.ts';
import { SAVE_EVERY, STEPS } from './lab/drill-place.ts';
import { measure } from './lab/measure.ts';
import { untilReaped } from './lab/until-reaped.ts';

/** Nobody is left who could tell the trainer: its lease does. */
export const runTerminated: Drill = {
  fault: 'run-terminated',
  summary: "the run's workflow is terminated while its worker is dead; the trainer's lease ends it",
  promise: { stepsLost: 0, continuity: ['nothing to compare'] },
  finetune: { leaseFor: '8s' },
  async run(place, reference) {
    const worker = await place.startWorker();
    await place.declare();
    const trainer = await place.trainer();
    await trainer.freezeAfter(25, { steps: STEPS, saveEvery: SAVE_EVERY });
    const faultAt = Date.now();
    await worker.kill();
    await place.terminateRun();
    await untilReaped(trainer);
    await place.startWorker();
    await place.untilRelease('failed');
    await place.retry();
    return measure(place, reference, faultAt);
  },
};
