import type { Drill } from './drill.ts';
import { assertKept } from './lab/assert-kept.ts';
import { SAVE_EVERY, STEPS } from './lab/drill-place.ts';
import { measure } from './lab/measure.ts';
import { untilReaped } from './lab/until-reaped.ts';

/** The orphan is held still until its lease has run out: it would be done before. */
export const workerLost: Drill = {
  fault: 'worker-lost',
  summary: 'kill -9 of the worker for good; another one on the same store, with another home, takes over',
  promise: { stepsLost: 'one interval', continuity: ['nothing to compare'] },
  finetune: { leaseFor: '8s' },
  async run(place, reference) {
    const worker = await place.startWorker();
    await place.declare();
    const orphan = await place.trainer();
    const stoppedAt = await orphan.freezeAfter(25, { steps: STEPS, saveEvery: SAVE_EVERY });
    const newest = stoppedAt - (stoppedAt % SAVE_EVERY);
    await place.untilLedger('has the newest checkpoint', ({ checkpoints }) => checkpoints.at(-1)?.step === newest);
    const faultAt = Date.now();
    await worker.kill();
    await place.startWorker('other-home');
    await untilReaped(orphan);
    const measured = await measure(place, reference, faultAt);
    const second = (await place.ledgers()).at(-1)?.attempts[1];
    assertKept(
      second?.atStep === newest,
      `the other worker began at step ${String(second?.atStep)}, not ${String(newest)}`,
    );
    return measured;
  },
};
