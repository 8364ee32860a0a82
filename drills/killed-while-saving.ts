import path from 'node:path';
import type { Drill } from './drill.ts';
import { SAVE_EVERY, STEPS } from './lab/drill-place.ts';
import { measure } from './lab/measure.ts';
import { assertKept } from './lab/assert-kept.ts';
import { checkpointsIn } from './lab/trainer-in-folder.ts';

export const killedWhileSaving: Drill = {
  fault: 'killed-while-saving',
  summary: 'kill -9 of the trainer while it writes a checkpoint',
  promise: { stepsLost: 'one interval', continuity: ['verified'] },
  async run(place, reference) {
    await place.startWorker();
    await place.declare();
    const trainer = await place.trainer();
    const step = await trainer.freezeInSave({ steps: STEPS, saveEvery: SAVE_EVERY });
    const faultAt = Date.now();
    trainer.signal('SIGKILL');
    const whole = await checkpointsIn(path.join(trainer.folder, 'checkpoints'));
    assertKept(!whole.includes(step), `checkpoint ${String(step)} was half-written and in its place`);
    return measure(place, reference, faultAt);
  },
};
