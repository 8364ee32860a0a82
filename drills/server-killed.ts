import type { Drill } from './drill.ts';
import { assertKept } from './lab/assert-kept.ts';
import { SAVE_EVERY, STEPS } from './lab/drill-place.ts';
import { measure } from './lab/measure.ts';

/** Without a server the trainer goes on past a checkpoint; it is held still before its end until the server is back. */
export const serverKilled: Drill = {
  fault: 'server-killed',
  summary: "kill -9 of Temporal's server in mid-training, started again on its file",
  promise: { stepsLost: 0, continuity: ['nothing to compare'] },
  async run(place, reference) {
    await place.startWorker();
    await place.declare();
    const trainer = await place.trainer();
    const stoppedAt = await trainer.freezeAfter(15, { steps: STEPS, saveEvery: SAVE_EVERY });
    const faultAt = Date.now();
    await place.signalServer('SIGKILL');
    trainer.thaw();
    await trainer.freezeAfter(stoppedAt + SAVE_EVERY, { steps: STEPS, saveEvery: SAVE_EVERY });
    await place.restartServer();
    trainer.thaw();
    const measured = await measure(place, reference, faultAt);
    const attempts = (await place.ledgers()).at(-1)?.attempts.length;
    assertKept(attempts === 1, `${String(attempts)} trainers ran, expected the first one alone`);
    return measured;
  },
};
