import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Launch, Launcher, Program } from '../../adapters/trainer/launcher.ts';
import { createLocalLauncher } from '../../adapters/trainer/local-launcher.ts';
import { readTrainingSteps } from '../../adapters/trainer/training-steps.ts';
import { killProcessesOf, processesOf } from './processes-of.ts';
import { temporaryFolder } from './safetensors.ts';
import { waitUntil } from './wait-until.ts';

export const SCRIPT = fileURLToPath(new URL('scripted-trainer.mjs', import.meta.url));
export const ENVIRONMENT = { PATH: process.env['PATH'] ?? '', REGRAFT_ALLOWED: 'yes' };

/** A launcher of a machine without GPUs; `given` is what its trainers find of GPUs all the same. */
export function makeLauncher(given: Readonly<Record<string, string>> = {}): Launcher {
  return createLocalLauncher({ gpus: { take: () => Promise.resolve(given) }, gpusWanted: 1 });
}

/** What the scripted trainer takes beside the contract's recipe. */
export interface Script {
  readonly steps?: number;
  readonly saveEvery?: number;
  readonly stepMilliseconds?: number;
  readonly endWith?: number;
  readonly error?: string;
  readonly deaf?: boolean;
}

/** One that takes minutes unless it is stopped. */
export const LONG: Script = { steps: 100_000, saveEvery: 100_000, stepMilliseconds: 5 };

/** A training folder. Whatever still runs with it among its arguments is killed when the test is over. */
export async function trainingFolder(name = 'run'): Promise<string> {
  const folder = path.join(await temporaryFolder(), name);
  await mkdir(folder);
  onTestFinished(() => killProcessesOf(folder));
  return folder;
}

/** No process has the folder among its arguments any more. */
export async function untilGone(folder: string): Promise<void> {
  await waitUntil('its processes are gone', async () => (await processesOf(folder)).length === 0);
}

/** Writes what a launch finds in its folder: its token, a fresh lease and a job for the scripted trainer. */
export async function prepare(folder: string, number: number, script: Script = {}): Promise<Launch> {
  const token = String(number).padStart(16, '0');
  const recipe = { steps: 4, saveEvery: 2, ...script };
  await writeFile(path.join(folder, 'launch'), token);
  await writeFile(path.join(folder, 'lease.json'), '{}');
  const job = { schema: 'regraft.job/1', attempt: number, model: '/model', dataset: '/data', resumeFrom: null, recipe };
  await writeFile(path.join(folder, 'job.json'), JSON.stringify(job));
  return { folder, token };
}

/** The scripted trainer in a folder. */
export function programIn(folder: string, leaseSeconds = 600): Program {
  return { command: [process.execPath, SCRIPT, folder], environment: ENVIRONMENT, leaseSeconds };
}

/** Prepares a launch and starts it. */
export async function startScripted(folder: string, number: number, script: Script = {}): Promise<Launch> {
  const launch = await prepare(folder, number, script);
  await makeLauncher().start(launch, programIn(folder));
  return launch;
}

/** Waits for its end; null: it left no exit code. */
export async function exitOf(launch: Launch): Promise<number | null> {
  const { exitCode } = await waitUntil('the trainer has ended', async () => {
    const state = await makeLauncher().state(launch);
    return state.kind === 'exited' && state;
  });
  return exitCode;
}

/** Waits until an attempt has logged a step: from then on it hears what it is told. */
export async function untilStep(folder: string, attempt = 1): Promise<void> {
  await waitUntil('it has made a step', async () => {
    const { steps } = await readTrainingSteps(folder, 0);
    return steps.some((step) => step.attempt === attempt);
  });
}
