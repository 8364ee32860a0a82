import path from 'node:path';
import { RegraftError } from '../../../contracts/error.ts';
import type { Launch } from '../launcher.ts';

/** What a training asks Slurm for. */
export interface SlurmResources {
  readonly partition?: string | undefined;
  readonly account?: string | undefined;
  readonly qos?: string | undefined;
  readonly constraint?: string | undefined;
  /** On one node. Default 0. */
  readonly gpus?: number | undefined;
  /** Default 1. */
  readonly cpus?: number | undefined;
  readonly memoryMiB?: number | undefined;
  /** Slurm counts in minutes: rounded up. Unless given, the partition's. */
  readonly timeLimitSeconds?: number | undefined;
  /** How long before the time limit the trainer is told to save and end. Default 120; Slurm may be a minute early. */
  readonly signalBeforeSeconds?: number | undefined;
  /** Further options of sbatch. They may change what is asked for, not what a launch relies on. */
  readonly options?: readonly string[] | undefined;
}

/** Options that would make one launch no job, several jobs, another job, or one that nobody finds. */
const REFUSED = /^--(array|wrap|clusters|cluster-constraint|wait|test-only|quiet)(=|$)|^-[aMWQ]|^[^-]/;

/**
 * Options of sbatch for a launch. Resources come first, then the spec's own options, then what must hold: the last word
 * counts. @throws TRAINER_START_FAILED, not retryable, for options that cannot work
 */
export function sbatchFlags(name: string, { folder }: Launch, resources: SlurmResources): readonly string[] {
  const { partition, account, qos, constraint, memoryMiB, timeLimitSeconds: limit } = resources;
  const { gpus = 0, cpus = 1, signalBeforeSeconds: before = 120, options = [] } = resources;
  const refused = options.filter((option) => REFUSED.test(option));
  if (refused.length > 0) {
    throw unworkable(`has ${refused.join(' ')}, which a training cannot be submitted with; remove it`);
  }
  if (limit !== undefined && limit <= before + 60) {
    const early = `the trainer is told to save ${String(before)} s before the end, and Slurm may be 60 s early`;
    throw unworkable(`has a time limit of ${String(limit)} s, but ${early}; raise timeLimit or lower signalBefore`);
  }
  const given = { partition, account, qos, constraint };
  return [
    ...Object.entries(given).flatMap(([option, value]) => (value === undefined ? [] : [`--${option}=${value}`])),
    ...['--nodes=1', '--ntasks=1', `--cpus-per-task=${String(cpus)}`],
    ...(gpus > 0 ? [`--gres=gpu:${String(gpus)}`] : []),
    ...(memoryMiB === undefined ? [] : [`--mem=${String(memoryMiB)}M`]),
    ...(limit === undefined ? [] : [`--time=${String(Math.ceil(limit / 60))}`]),
    ...options,
    // A partition's own limit counts too, so this does not wait for one in the spec.
    `--signal=B:TERM@${String(before)}`,
    '--no-requeue', // it would begin again at an old checkpoint; a new attempt resumes from the newest
    `--job-name=${name}`,
    `--chdir=${folder}`,
    `--output=${path.join(folder, 'trainer.log').replaceAll('%', '%%')}`,
    ...['--open-mode=append', '--input=/dev/null', '--parsable'],
    '--export=ALL', // of the tools' few; the job script makes the trainer's
  ];
}

function unworkable(what: string): RegraftError {
  return new RegraftError('TRAINER_START_FAILED', `launcher.slurm ${what}.`);
}
