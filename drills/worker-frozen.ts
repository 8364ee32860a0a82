import type { TrainingLedger } from '../contracts/training-ledger.schema.ts';
import type { Drill } from './drill.ts';
import { assertKept } from './lab/assert-kept.ts';
import { SAVE_EVERY, STEPS } from './lab/drill-place.ts';
import { measure } from './lab/measure.ts';
import { waitFor } from './lab/wait-for.ts';
import type { WorkerProcess } from './lab/worker-process.ts';

/** The zombie's trainer has a finished checkpoint for it by then: something to commit. */
export const workerFrozen: Drill = {
  fault: 'worker-frozen',
  summary: 'the worker stands still past its heartbeat timeout, another one takes over, then it wakes up',
  promise: { stepsLost: 'one interval', continuity: ['nothing to compare'] },
  async run(place, reference) {
    const zombie = await place.startWorker();
    await place.declare();
    const trainer = await place.trainer();
    const stoppedAt = await trainer.freezeAfter(25, { steps: STEPS, saveEvery: SAVE_EVERY });
    const newest = stoppedAt - (stoppedAt % SAVE_EVERY);
    const { token } = await place.untilLedger(
      'has the newest checkpoint',
      ({ checkpoints }) => checkpoints.at(-1)?.step === newest,
    );
    const faultAt = Date.now();
    zombie.signal('SIGSTOP');
    trainer.thaw();
    await trainer.freezeAfter(newest + SAVE_EVERY + 1, { steps: STEPS, saveEvery: SAVE_EVERY });
    await place.startWorker('other-home');
    await place.untilLedger('has another attempt', ({ attempts }) => attempts.length > 1);
    zombie.signal('SIGCONT');
    await untilRefused(zombie);
    await trainer.untilGone();
    const measured = await measure(place, reference, faultAt);
    assertKept(isFenced(await place.ledgers(), token), 'the zombie changed the ledger after the takeover');
    return measured;
  },
};

/** Waits until the worker counts a write of its own that was refused; one that ends instead fails the drill at once. */
async function untilRefused(worker: WorkerProcess): Promise<void> {
  let hasEnded = false;
  void worker.ended.then(() => {
    hasEnded = true;
  });
  await waitFor(
    'the worker that woke up is refused a write',
    async () => {
      assertKept(!hasEnded, 'the worker that woke up ended');
      const page = await metricsOf(worker);
      const counts = [...page.matchAll(/^regraft_stale_writes_refused_total\{.*\} ([0-9]+)$/gm)].map(([, count]) =>
        Number(count),
      );
      return counts.some((count) => count > 0);
    },
    { everyMs: 200 },
  );
}

/** Its metrics page; empty when it does not answer, as one that has just woken up may not. */
async function metricsOf({ metricsUrl }: WorkerProcess): Promise<string> {
  try {
    return await (await fetch(`${metricsUrl}/metrics`)).text();
  } catch {
    return ''; // asked again soon, and only for so long
  }
}

/** True when no state of the ledger after the takeover has the old token. */
function isFenced(ledgers: readonly TrainingLedger[], old: number): boolean {
  const taken = ledgers.findIndex(({ token }) => token > old);
  return taken !== -1 && ledgers.slice(taken).every(({ token }) => token > old);
}
