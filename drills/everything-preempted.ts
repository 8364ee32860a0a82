import { setTimeout } from 'node:timers/promises';
import type { Drill } from './drill.ts';
import { SAVE_EVERY, STEPS } from './lab/drill-place.ts';
import { measure } from './lab/measure.ts';

/** What a spot machine gives its processes at most. */
const NOTICE_MS = 30_000;

export const everythingPreempted: Drill = {
  fault: 'everything-preempted',
  summary:
    'SIGTERM to the trainer, the worker and the server at once, as when a spot machine is taken; all started again',
  promise: { stepsLost: 0, continuity: ['nothing to compare'] },
  async run(place, reference) {
    const worker = await place.startWorker();
    await place.declare();
    const trainer = await place.trainer();
    await trainer.freezeAfter(25, { steps: STEPS, saveEvery: SAVE_EVERY });
    const faultAt = Date.now();
    trainer.signal('SIGTERM');
    trainer.thaw();
    worker.signal('SIGTERM');
    await place.signalServer('SIGTERM');
    await trainer.untilGone();
    await Promise.race([worker.ended, setTimeout(NOTICE_MS, null, { ref: false })]);
    await worker.kill();
    await place.restartServer();
    await place.startWorker();
    return measure(place, reference, faultAt);
  },
};
