import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { TrainingStep } from '../../activities/ports.ts';
import { identitySchema } from '../../adapters/trainer/trainer-folder.ts';
import { readTrainingSteps } from '../../adapters/trainer/training-steps.ts';

/** Every line of a training's metrics.jsonl, in order. */
export async function loggedSteps(folder: string): Promise<readonly TrainingStep[]> {
  return (await readTrainingSteps(folder, 0)).steps;
}

/** Sends a signal to the trainer's process group, the one that its folder names. */
export async function signalTrainer(folder: string, signal: NodeJS.Signals): Promise<void> {
  const { pid } = identitySchema.parse(JSON.parse(await readFile(path.join(folder, 'trainer.json'), 'utf8')));
  process.kill(-pid, signal);
}
