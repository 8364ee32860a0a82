import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Launch } from '../../adapters/trainer/launcher.ts';
import { identitySchema, readSmall } from '../../adapters/trainer/trainer-folder.ts';
import { readTrainingSteps } from '../../adapters/trainer/training-steps.ts';
import type { TrainingStep } from '../../contracts/training-step.schema.ts';

/** Every line of a training's metrics.jsonl, in order. */
export async function loggedSteps(folder: string): Promise<readonly TrainingStep[]> {
  return (await readTrainingSteps(folder, 0)).steps;
}

/** The launch that runs in a training folder, or ran there last; null: none ever did. */
export async function launchIn(folder: string): Promise<Launch | null> {
  const identity = await readSmall(folder, 'trainer.json', identitySchema);
  return identity === null ? null : { folder, token: identity.token };
}

/** Sends a signal to the trainer's process group, the one that its folder names. */
export async function signalTrainer(folder: string, signal: NodeJS.Signals): Promise<void> {
  const { pid } = identitySchema.parse(JSON.parse(await readFile(path.join(folder, 'trainer.json'), 'utf8')));
  process.kill(-pid, signal);
}
