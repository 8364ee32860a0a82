import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Drill } from './drill.ts';
import { assertKept } from './lab/assert-kept.ts';
import { SAVE_EVERY, STEPS } from './lab/drill-place.ts';
import { measure } from './lab/measure.ts';

/** Enough for a step's line in metrics.jsonl, too little for a checkpoint. */
const LIMIT_BYTES = 65_536;

/** The operating system refuses the trainer's writes beyond a size; the next attempt has all the room that it wants. */
export const diskFull: Drill = {
  fault: 'disk-full',
  summary:
    'no room for the next checkpoint (a limit on the size of files, set on the running trainer); then there is again',
  promise: { stepsLost: 'one interval', continuity: ['verified'] },
  async run(place, reference) {
    await place.startWorker();
    await place.declare();
    const trainer = await place.trainer();
    await trainer.freezeAfter(25, { steps: STEPS, saveEvery: SAVE_EVERY });
    await promisify(execFile)('prlimit', ['--pid', String(trainer.program), `--fsize=${String(LIMIT_BYTES)}`]);
    const faultAt = Date.now();
    trainer.thaw();
    const measured = await measure(place, reference, faultAt);
    const code = (await place.ledgers()).at(-1)?.attempts[0]?.end?.code;
    assertKept(code === 'TRAINER_DISK_FULL', `the trainer's end is noted as ${String(code)}`);
    return measured;
  },
};
