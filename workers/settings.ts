import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TemporalTarget } from '../client/connection.ts';
import type { QueueName } from '../contracts/task-queues.ts';
import type { BuildVersion } from './build-version.ts';

/** The checkout (or installed package) that this code lies in. */
export const PROJECT_ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Everything a worker process needs to know, parsed once in its main and passed down. */
export interface WorkerSettings {
  /** Folder of unfinished work and of the embedded server, this machine's own. */
  readonly home: string;
  /** Folder of the store; workers on several machines share one. */
  readonly store: string;
  readonly temporal: TemporalTarget;
  readonly queues: readonly QueueName[];
  /** Trainings at a time on each `gpu` queue of this process. */
  readonly gpuSlots: number;
  /** Which build of the workflows this is, where Temporal decides which build gets what; left out: whoever asks gets work. */
  readonly build?: BuildVersion;
  /** Port of /metrics and /healthz on loopback; 0 takes a free one. */
  readonly metricsPort: number;
  /** Program that runs `-m regraft_trainer`. */
  readonly python: string;
  /** GPUs for trainings, as CUDA_VISIBLE_DEVICES names them; `findGpus` unless told. */
  readonly gpus: readonly string[];
  /** What trainers may see of this process' environment; see `trainerEnvironment`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The venv's Python unless REGRAFT_PYTHON names another. */
export function findPython(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['REGRAFT_PYTHON'] ?? path.join(PROJECT_ROOT, '.venv', 'bin', 'python');
}

/** The Python that has lm-eval: that of .venv-evaluation unless REGRAFT_LM_EVAL_PYTHON names another. */
export function findEvaluationPython(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['REGRAFT_LM_EVAL_PYTHON'] ?? path.join(PROJECT_ROOT, '.venv-evaluation', 'bin', 'python');
}

/** Names a trainer may see: no Temporal key and no Hub token is among them. */
const ALLOWED = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'TZ',
  'CUDA_VISIBLE_DEVICES',
  'LD_LIBRARY_PATH',
  'HF_HOME',
];

/** GPUs that this process may use: those of CUDA_VISIBLE_DEVICES, else all that the machine has. */
export async function findGpus(environment: Readonly<Record<string, string | undefined>>): Promise<readonly string[]> {
  const visible = environment['CUDA_VISIBLE_DEVICES'];
  if (visible !== undefined) return visible.split(',').filter((gpu) => gpu.trim() !== '');
  const devices = (await readdir('/dev')).flatMap((name) => /^nvidia([0-9]+)$/.exec(name)?.[1] ?? []);
  return devices.sort((left, right) => Number(left) - Number(right));
}

/**
 * The environment of a trainer: an allow-list of this process', with the variables that its spec asks for, offline, one
 * thread for each numeric library.
 */
export function trainerEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  asked: readonly string[] = [],
): Readonly<Record<string, string>> {
  const allowed = [...ALLOWED, ...asked].flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1', HF_HUB_OFFLINE: '1', ...Object.fromEntries(allowed) };
}
