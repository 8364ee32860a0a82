import path from 'node:path';
import type { TrainerJob } from '../../activities/training-ports.ts';
import type { FinetuneSpec } from '../../contracts/lineage-spec.schema.ts';
import { fillIn } from '../process/fill-in.ts';

/** Programs and leading arguments of the reference trainer; the training folder is added as the last one. */
export interface ReferenceTrainer {
  readonly one: readonly [string, ...string[]];
  /** Of several processes; the configuration of `accelerate launch` comes before the folder. */
  readonly several: readonly [string, ...string[]];
}

interface ProgramInput {
  readonly folder: string;
  readonly job: TrainerJob;
  readonly finetune: FinetuneSpec;
  readonly reference: ReferenceTrainer;
}

/**
 * What to run for a fine-tune. The reference trainer gets its folder, and runs as several processes when the spec names a
 * configuration of `accelerate launch`. A command gets what it asks for by placeholder, and all of it as variables.
 */
export function trainerProgram({ folder, job, finetune, reference }: ProgramInput): {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
} {
  if (finetune.trainer === 'command' && finetune.command !== undefined) {
    const values = placeholders(folder, job, finetune);
    const [program = '', ...rest] = finetune.command.map((part) => fillIn(part, values));
    return { command: [program, ...rest], environment: asVariables(values) };
  }
  if (finetune.accelerate === undefined) return { command: [...reference.one, folder], environment: {} };
  return { command: [...reference.several, finetune.accelerate, folder], environment: {} };
}

function placeholders(folder: string, job: TrainerJob, finetune: FinetuneSpec): Readonly<Record<string, string>> {
  return {
    folder,
    model: job.model,
    dataset: finetune.dataset,
    output: path.join(folder, 'checkpoints'),
    resume: job.resumeFrom === null ? '' : path.join(folder, job.resumeFrom),
    steps: String(finetune.steps),
    saveEvery: String(finetune.saveEvery),
    microBatchSize: String(job.microBatchSize),
  };
}

/** {saveEvery} is REGRAFT_SAVE_EVERY. */
function asVariables(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const spelled = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`REGRAFT_${spelled(name)}`, value]));
}
