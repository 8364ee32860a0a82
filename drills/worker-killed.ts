import type { Drill } from './drill.ts';
import { assertKept } from './lab/assert-kept.ts';
import { SAVE_EVERY, STEPS } from './lab/drill-place.ts';
import { measure } from './lab/measure.ts';

/** The trainer is held still until the next worker has adopted it: it would be done before. */
export const workerKilled: Drill = {
  fault: 'worker-killed',
  summary: 'kill -9 of the worker in mid-training; started again, it adopts the trainer',
  promise: { stepsLost: 0, continuity: ['nothing to compare'] },
  async run(place, reference) {
    const worker = await place.startWorker();
    await place.declare();
    const trainer = await place.trainer();
    await trainer.freezeAfter(25, { steps: STEPS, saveEvery: SAVE_EVERY });
    const faultAt = Date.now();
    await worker.kill();
    await place.startWorker();
    await place.untilLedger('tells of an adoption', ({ starts }) => starts.some(({ how }) => how === 'adopted'));
    trainer.thaw();
    const measured = await measure(place, reference, faultAt);
    const attempts = (await place.ledgers()).at(-1)?.attempts.length;
    assertKept(attempts === 1, `${String(attempts)} trainers ran, expected the first one alone`);
    return measured;
  },
};
