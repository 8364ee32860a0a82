import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RegraftError } from '../../contracts/error.ts';
import type { TrainerState } from '../../contracts/training.ts';
import { writeFileAtomic } from '../store/atomic-file.ts';
import type { Launch, Launcher } from './launcher.ts';
import { jobScript, KILL_BY } from './slurm/job-script.ts';
import type { JobPhase } from './slurm/queue.ts';
import { sbatchFlags, type SlurmResources } from './slurm/sbatch-flags.ts';
import { createSlurmTools, type SlurmTools } from './slurm/tools.ts';
import {
  clearTraces,
  exitCodeOf,
  knownTokens,
  leaveSignal,
  noteSubmission,
  showsLife,
  wasStartedAgain,
  wasTaken,
} from './slurm/traces.ts';

const LAUNCHER = new URL('launch.sh', import.meta.url);
const END_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 200;
const SIGNALS = { dump: 'USR1', checkpoint: 'TERM', kill: 'KILL' } as const;

export interface SlurmSystem {
  /** Of this process: where Slurm's tools and their configuration are. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Trainers as jobs of Slurm, one job a launch, named after its token. The training folder must lie on a file system that
 * workers and nodes share. Only Slurm's answers and what lies in the folder are ever concluded from: with the controller
 * down, everything that needs it throws SLURM_UNREACHABLE, retryable.
 */
export function createSlurmLauncher(resources: SlurmResources, system: SlurmSystem): Launcher {
  const tools = createSlurmTools(system.environment);
  return {
    state: (launch) => slurmState(launch, tools),
    async start(launch, program) {
      const { folder, token } = launch;
      const name = jobName(token);
      const flags = sbatchFlags(name, launch, resources);
      const script = jobScript(launch, program, path.join(folder, 'slurm-launch.sh'));
      if ((await slurmState(launch, tools)).kind !== 'absent') return;
      await endOthers(launch, tools);
      await clearTraces(launch);
      // The nodes need not have this package: they find the wrapper where they find the training.
      await writeFileAtomic(path.join(folder, 'slurm-launch.sh'), await readFile(LAUNCHER));
      await noteSubmission(launch, null);
      await noteSubmission(launch, await tools.submit(name, flags, script));
    },
    stop: (launch, how) => stopLaunch(launch, how, tools),
  };
}

/** The key that a launch is found again by; Slurm's ids are given out twice when a controller loses its state. */
function jobName(token: string): string {
  return `regraft-${token}`;
}

async function slurmState(launch: Launch, tools: SlurmTools): Promise<TrainerState> {
  if ((await exitCodeOf(launch)) === 0) return { kind: 'exited', exitCode: 0, reason: null };
  const phase = await phaseOf(launch, tools);
  // Any other code has its reason only once Slurm has closed the job: what was preempted is "completing" at first.
  if (phase !== null && phase.kind !== 'ended') return { kind: phase.kind };
  if (phase === null) return stateOfUnknown(launch);
  const exitCode = await exitCodeOf(launch);
  return { kind: 'exited', exitCode, reason: exitCode === 0 ? null : phase.reason };
}

/** How far Slurm says that the launch is; null: it knows no job of it, or only one that found another at work. */
async function phaseOf(launch: Launch, tools: SlurmTools): Promise<JobPhase | null> {
  const phase = (await tools.jobOf(jobName(launch.token)))?.phase ?? null;
  return phase?.kind === 'ended' && (await wasStartedAgain(launch)) ? null : phase;
}

/**
 * Slurm answers and does not know the job: it forgot one that ended (MinJobAge), or its controller lost the job while that
 * runs on. The job's own signs of life decide; the lease does not, for it says that a supervisor lives.
 */
async function stateOfUnknown(launch: Launch): Promise<TrainerState> {
  const isAlive = await showsLife(launch);
  const exitCode = await exitCodeOf(launch); // looked for after the last sign of life: the job leaves it before
  if (exitCode !== null) return { kind: 'exited', exitCode, reason: null };
  if (isAlive) return { kind: 'running' };
  return (await wasTaken(launch)) ? { kind: 'exited', exitCode: null, reason: null } : { kind: 'absent' };
}

async function stopLaunch(launch: Launch, how: keyof typeof SIGNALS, tools: SlurmTools): Promise<void> {
  const name = jobName(launch.token);
  if (how !== 'dump') await tools.cancel(name, ['--state=PENDING']);
  // To the batch script alone, which hands it on: with --full it would come from Slurm as well. For a job that waits,
  // scancel would wait with it.
  await tools.cancel(name, ['--state=RUNNING', '--batch', `--signal=${how === 'kill' ? KILL_BY : SIGNALS[how]}`]);
  if (how === 'kill') await tools.cancel(name, []); // for a script that hears nothing; alone it would give KillWait
  const isUnknown = (await phaseOf(launch, tools)) === null;
  if (isUnknown && (await showsLife(launch))) await leaveSignal(launch, SIGNALS[how]);
}

/** Ends every other launch of the folder and waits until nothing of it can write there any more. */
async function endOthers({ folder, token }: Launch, tools: SlurmTools): Promise<void> {
  for (const other of (await knownTokens(folder)).filter((known) => known !== token)) {
    const launch = { folder, token: other };
    await stopLaunch(launch, 'kill', tools);
    await untilOver(launch, tools);
  }
}

async function untilOver(launch: Launch, tools: SlurmTools): Promise<void> {
  for (let waitedMs = 0; waitedMs < END_WITHIN_MS; waitedMs += LOOK_EVERY_MS) {
    const phase = await phaseOf(launch, tools);
    if (phase === null ? !(await showsLife(launch)) : phase.kind === 'ended') return;
    await setTimeout(LOOK_EVERY_MS);
  }
  throw new RegraftError(
    'TRAINER_START_FAILED',
    `The earlier job ${jobName(launch.token)} in ${launch.folder} was cancelled and still runs after ${String(END_WITHIN_MS / 1000)} s; no second trainer is started beside it. See scontrol show job and its node.`,
    { retryable: true, details: { token: launch.token } },
  );
}
