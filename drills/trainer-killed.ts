import type { Drill } from './drill.ts';
import { SAVE_EVERY, STEPS } from './lab/drill-place.ts';
import { measure } from './lab/measure.ts';

export const trainerKilled: Drill = {
  fault: 'trainer-killed',
  summary: 'kill -9 of the trainer between two checkpoints',
  promise: { stepsLost: 'one interval', continuity: ['verified'] },
  async run(place, reference) {
    await place.startWorker();
    await place.declare();
    const trainer = await place.trainer();
    await trainer.freezeAfter(25, { steps: STEPS, saveEvery: SAVE_EVERY });
    const faultAt = Date.now();
    trainer.signal('SIGKILL');
    return measure(place, reference, faultAt);
  },
};
