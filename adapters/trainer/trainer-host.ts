import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { TrainerHost, TrainerJob, TrainerLaunch } from '../../activities/training-ports.ts';
import { secondsOf } from '../../contracts/duration.ts';
import { RECIPE_KEYS, type FinetuneSpec, type LauncherSpec } from '../../contracts/lineage-spec.schema.ts';
import { isErrno, writeFileAtomic } from '../store/atomic-file.ts';
import { listCheckpoints, removeCheckpoints, verifyCheckpoint } from './checkpoint-folders.ts';
import type { Launcher } from './launcher.ts';
import { sealStockCheckpoints } from './stock-checkpoints.ts';
import { trainerProgram, type ReferenceTrainer } from './trainer-program.ts';
import { errorSchema, readSmall, readText } from './trainer-folder.ts';
import { readTrainingSteps } from './training-steps.ts';

const LOG_TAIL_LINES = 15;

export interface TrainerHostOptions {
  readonly launcherOf: (spec: LauncherSpec) => Launcher;
  readonly reference: ReferenceTrainer;
  /** The environment of a trainer: an allow-list that the caller made, with the variables that the spec asks for. */
  readonly environmentOf: (asked: readonly string[]) => Readonly<Record<string, string>>;
}

/**
 * Trainers and their folders. Everything about one lies in its folder, so any later process can find it: `launch` and
 * `job.json` say what is wanted, `trainer.json` who runs, `exit.json` how it ended, `trainer.log` what it said.
 */
export function createTrainerHost(options: TrainerHostOptions): TrainerHost {
  const launcherOf = ({ launcher }: TrainerLaunch): Launcher => options.launcherOf(launcher);
  return {
    state: (launch) => launcherOf(launch).state(launch),
    async start(launch, job, finetune) {
      const { folder, token } = launch;
      await writeFileAtomic(path.join(folder, 'launch'), token);
      await writeFileAtomic(path.join(folder, 'job.json'), JSON.stringify(jobOf(job, finetune), null, 2));
      const program = trainerProgram({ folder, job, finetune, reference: options.reference });
      await launcherOf(launch).start(launch, {
        command: program.command,
        environment: { ...options.environmentOf(finetune.environment), ...program.environment },
        leaseSeconds: secondsOf(finetune.leaseFor),
      });
    },
    stop: (launch, how) => launcherOf(launch).stop(launch, how),
    async renewLease(folder, lease) {
      await writeFileAtomic(path.join(folder, 'lease.json'), JSON.stringify(lease));
    },
    async checkpoints(folder, seal) {
      const sealed = seal === null ? [] : (await sealStockCheckpoints(folder, seal.attempt, seal.model)).rejected;
      const { complete, rejected } = await listCheckpoints(folder);
      const why = new Map(sealed.map((problem) => [problem.step, problem.why]));
      return { complete, rejected: rejected.map((found) => ({ ...found, why: why.get(found.step) ?? found.why })) };
    },
    verify: verifyCheckpoint,
    removeCheckpoints,
    readSteps: readTrainingSteps,
    logBytes,
    lastWords,
  };
}

/** Keys of a fine-tune that are no part of the contract's recipe. */
const NOT_IN_RECIPE: ReadonlySet<string> = new Set(['trainer', 'command', 'accelerate', 'dataset', 'microBatchSize']);

/** The job as the contract spells it (docs/trainer-contract.md). */
function jobOf({ attempt, model, resumeFrom, microBatchSize }: TrainerJob, finetune: FinetuneSpec): unknown {
  const keys = RECIPE_KEYS.filter((key) => !NOT_IN_RECIPE.has(key));
  const recipe = Object.fromEntries(keys.map((key) => [key, finetune[key]]));
  const { dataset } = finetune;
  return {
    schema: 'regraft.job/1',
    attempt,
    model,
    dataset,
    resumeFrom,
    recipe: { method: 'sft', ...recipe, microBatchSize },
  };
}

async function logBytes(folder: string): Promise<number> {
  try {
    return (await stat(path.join(folder, 'trainer.log'))).size;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 0;
    throw error;
  }
}

async function lastWords(folder: string): Promise<string> {
  // A trainer that was killed may leave half an error.json: then its log has to do.
  const error = await readSmall(folder, 'error.json', errorSchema).catch(() => null);
  if (error !== null) return error.message;
  const log = (await readText(path.join(folder, 'trainer.log'))) ?? '';
  const tail = log.trim().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  return tail === '' ? 'it left no log' : `the end of its log:\n${tail}`;
}
