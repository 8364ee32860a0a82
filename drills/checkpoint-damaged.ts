import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Drill } from './drill.ts';
import { assertKept } from './lab/assert-kept.ts';
import { SAVE_EVERY, STEPS, type DrillPlace } from './lab/drill-place.ts';
import { measure } from './lab/measure.ts';

export const checkpointByteFlipped = damaged({
  fault: 'checkpoint-byte-flipped',
  summary: 'one byte of the newest checkpoint is another; then kill -9 of the trainer',
  file: 'optimizer.pt',
  damage: flipByte,
  inStore: false,
});

export const checkpointFileMissing = damaged({
  fault: 'checkpoint-file-missing',
  summary: 'a file of the newest checkpoint is gone; then kill -9 of the trainer',
  file: 'rng_state.pth',
  damage: (file) => rm(file),
  inStore: false,
});

export const checkpointLost = damaged({
  fault: 'checkpoint-lost',
  summary: 'one byte of the newest checkpoint is another, on disk and in the store; then kill -9 of the trainer',
  file: 'optimizer.pt',
  damage: flipByte,
  inStore: true,
});

interface Damage {
  readonly fault: string;
  readonly summary: string;
  readonly file: string;
  readonly damage: (file: string) => Promise<void>;
  /** Whether the store's copy is damaged too, so that the checkpoint before has to do. */
  readonly inStore: boolean;
}

function damaged({ fault, summary, file, damage, inStore }: Damage): Drill {
  return {
    fault,
    summary,
    promise: { stepsLost: inStore ? 'two intervals' : 'one interval', continuity: ['verified'] },
    async run(place, reference) {
      await place.startWorker();
      await place.declare();
      const trainer = await place.trainer();
      const stoppedAt = await trainer.freezeAfter(35, { steps: STEPS, saveEvery: SAVE_EVERY });
      const newest = stoppedAt - (stoppedAt % SAVE_EVERY);
      const name = `checkpoint-${String(newest)}`;
      const stored = await storedState(place, newest);
      await damage(path.join(trainer.folder, 'checkpoints', name, file));
      if (inStore) await damage(path.join(stored, file));
      const faultAt = Date.now();
      trainer.signal('SIGKILL');
      const measured = await measure(place, reference, faultAt);
      const second = (await place.ledgers()).at(-1)?.attempts[1];
      const from = inStore ? newest - SAVE_EVERY : newest;
      assertKept(second?.atStep === from, `the run went on from step ${String(second?.atStep)}, not ${String(from)}`);
      const rejected = second?.rejected.find(({ step }) => step === newest);
      assertKept(rejected?.why.includes(file) === true, `the ledger does not say what is wrong with ${name}`);
      return measured;
    },
  };
}

/** Waits until a checkpoint counts; returns the folder of its full state in the store. */
async function storedState(place: DrillPlace, step: number): Promise<string> {
  const what = `has checkpoint ${String(step)}`;
  await place.untilLedger(what, ({ checkpoints }) => checkpoints.at(-1)?.step === step);
  return place.stateFolder(step);
}

/** The file shares its bytes with the store's blobs: it is replaced, never changed in place. */
async function flipByte(file: string): Promise<void> {
  const bytes = await readFile(file);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 0xff, middle);
  await writeFile(`${file}.flipped`, bytes);
  await rename(`${file}.flipped`, file);
}
