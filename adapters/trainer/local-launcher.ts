import { spawn } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RegraftError } from '../../contracts/error.ts';
import type { TrainerState } from '../../contracts/training.ts';
import { isAlive, ownsItsGroup, type ProcessIdentity } from '../process/process-identity.ts';
import { isErrno } from '../store/atomic-file.ts';
import type { GpuLeases } from './gpu-leases.ts';
import type { Launch, Launcher, Program } from './launcher.ts';
import { exitSchema, identitySchema, readSmall } from './trainer-folder.ts';

const LAUNCHER = fileURLToPath(new URL('launch.sh', import.meta.url));
const START_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 5_000;
const SIGNALS = { dump: 'SIGUSR1', checkpoint: 'SIGTERM', kill: 'SIGKILL' } as const;

export interface LocalLauncherOptions {
  readonly gpus: GpuLeases;
  /** GPUs of a training, on a machine that has any. */
  readonly gpusWanted: number;
}

/** Trainers as detached process groups on this machine. The training folder must be this machine's own. */
export function createLocalLauncher({ gpus, gpusWanted }: LocalLauncherOptions): Launcher {
  return {
    state: localState,
    async start(launch, program) {
      const identity = await readSmall(launch.folder, 'trainer.json', identitySchema);
      if (identity?.token === launch.token) return;
      if (identity !== null) await endGroup(identity);
      for (const stale of ['trainer.json', 'exit.json', 'error.json'])
        await rm(path.join(launch.folder, stale), { force: true });
      const environment = { ...program.environment, ...(await gpus.take(launch, gpusWanted)) };
      await spawnDetached(launch, { ...program, environment });
      await untilIdentified(launch);
    },
    async stop({ folder, token }, how) {
      const identity = await readSmall(folder, 'trainer.json', identitySchema);
      if (identity?.token === token && (await isAlive(identity))) signalGroup(identity.pid, SIGNALS[how]);
    },
  };
}

/** Whether anything of a launch still runs, its leader or only others of its group; null: it was never seen here. */
export async function isLocalLaunchInUse({ folder, token }: Launch): Promise<boolean | null> {
  const identity = await readSmall(folder, 'trainer.json', identitySchema);
  if (identity?.token !== token) return null;
  // Its leader leaves this after the trainer's end; what is in the group still has only to be collected.
  if ((await readSmall(folder, 'exit.json', exitSchema))?.token === token) return false;
  return (await ownsItsGroup(identity)) && signalGroup(identity.pid, 0);
}

async function localState({ folder, token }: Launch): Promise<TrainerState> {
  const identity = await readSmall(folder, 'trainer.json', identitySchema);
  if (identity?.token !== token) return { kind: 'absent' };
  const alive = await isAlive(identity);
  const exit = await readSmall(folder, 'exit.json', exitSchema);
  if (exit?.token === token) return { kind: 'exited', exitCode: exit.exitCode, reason: null };
  return alive ? { kind: 'running' } : { kind: 'exited', exitCode: null, reason: null };
}

async function spawnDetached({ folder, token }: Launch, program: Program): Promise<void> {
  const { command, environment, leaseSeconds } = program;
  const log = await open(path.join(folder, 'trainer.log'), 'a');
  try {
    const child = spawn('/bin/sh', [LAUNCHER, folder, token, String(leaseSeconds), ...command], {
      cwd: folder,
      env: environment,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    child.on('error', () => undefined); // seen by who waits: a launcher that did not start leaves no identity
    child.unref();
  } finally {
    await log.close();
  }
}

async function untilIdentified({ folder, token }: Launch): Promise<void> {
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += 20) {
    const identity = await readSmall(folder, 'trainer.json', identitySchema);
    if (identity?.token === token) return;
    const exit = await readSmall(folder, 'exit.json', exitSchema);
    if (exit?.token === token) break; // it could not leave one, and has ended
    await setTimeout(20);
  }
  throw new RegraftError(
    'TRAINER_START_FAILED',
    `The trainer in ${folder} left no identity, after up to ${String(START_TIMEOUT_MS / 1000)} s; see trainer.log there.`,
    { retryable: true },
  );
}

/** Ends what is left of an earlier launch, also when only its leader was killed, and waits for it. */
async function endGroup(identity: ProcessIdentity): Promise<void> {
  if (!(await ownsItsGroup(identity))) return;
  for (let waitedMs = 0; signalGroup(identity.pid, 'SIGKILL') && waitedMs < END_TIMEOUT_MS; waitedMs += 20) {
    await setTimeout(20); // ended processes count until somebody has collected them
  }
}

/** False when the group is gone. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    throw error;
  }
}
