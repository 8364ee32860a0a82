import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { sha256OfFile } from '../adapters/store/fs-blobs.ts';
import type { Drill } from './drill.ts';
import { assertKept } from './lab/assert-kept.ts';
import { SAVE_EVERY } from './lab/drill-place.ts';
import { isEqual, readOutcome, secondsToTraining } from './lab/measure.ts';
import { trainAlone } from './lab/train-alone.ts';

const NUMBERS = [900, 1000, 5000, 10_000] as const;
const NEWEST = 10_000;
const STEPS = NEWEST + SAVE_EVERY;
const WEIGHTS = 'model.safetensors';
const stateSchema = z.looseObject({ global_step: z.int() });
const markerSchema = z.looseObject({
  step: z.int(),
  files: z.record(z.string(), z.object({ sizeBytes: z.int(), sha256: z.string() })),
});

/**
 * Ten thousand steps would take minutes, so the checkpoints are one real checkpoint under four numbers, left by a trainer
 * that died with its worker. The undisturbed run is one that had only the newest of them to go on from.
 */
export const checkpointOrder: Drill = {
  fault: 'checkpoint-order',
  summary: 'checkpoints 900, 1000, 5000 and 10000 in one folder when trainer and worker are killed',
  promise: { stepsLost: 0, continuity: ['nothing to compare'] },
  finetune: { steps: STEPS, schedule: 'constant', keepLast: 10 },
  async run(place) {
    const worker = await place.startWorker();
    await place.declare();
    const trainer = await place.trainer();
    const stoppedAt = await trainer.freezeAfter(15, { steps: STEPS, saveEvery: SAVE_EVERY });
    const real = stoppedAt - (stoppedAt % SAVE_EVERY);
    await worker.kill();
    trainer.signal('SIGKILL');
    await trainer.untilGone();
    const faultAt = Date.now();
    for (const step of NUMBERS) await copyAs(trainer.folder, real, step);
    const resumeFrom = `checkpoints/checkpoint-${String(NEWEST)}`;
    const alone = trainAlone(place, { like: trainer.folder, resumeFrom, steps: STEPS });
    await place.startWorker();
    const { training, curve, finalDigest } = await readOutcome(place);
    const second = training.attempts[1];
    assertKept(second?.atStep === NEWEST, `the run went on from step ${String(second?.atStep)}, not ${String(NEWEST)}`);
    const undisturbed = await alone;
    const { files } = await place.store.manifest(finalDigest);
    return {
      stepsLost: training.stepsLost,
      secondsToTraining: await secondsToTraining(place, training, faultAt),
      continuity: training.continuity,
      curveEqual: isEqual(
        curve.filter(({ step }) => step > NEWEST),
        undisturbed.curve,
      ),
      finalDigestEqual: files.find((file) => file.path === WEIGHTS)?.sha256 === undisturbed.digestOf(WEIGHTS),
    };
  },
};

/** Copies a checkpoint under another number, as its trainer would have written it after that step. */
async function copyAs(folder: string, from: number, step: number): Promise<void> {
  const [source, target] = [from, step].map((n) => path.join(folder, 'checkpoints', `checkpoint-${String(n)}`));
  if (source === undefined || target === undefined) return;
  await cp(source, target, { recursive: true });
  const state = path.join(target, 'trainer_state.json');
  const said = stateSchema.parse(JSON.parse(await readFile(state, 'utf8')));
  await replaceFile(state, JSON.stringify({ ...said, global_step: step }));
  const marker = path.join(target, 'COMPLETE');
  const told = markerSchema.parse(JSON.parse(await readFile(marker, 'utf8')));
  const { length: sizeBytes } = await readFile(state);
  const files = { ...told.files, 'trainer_state.json': { sizeBytes, sha256: await sha256OfFile(state) } };
  await replaceFile(marker, JSON.stringify({ ...told, step, files }));
}

async function replaceFile(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}
