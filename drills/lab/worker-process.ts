import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { RegraftError } from '../../contracts/error.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';

const READY_TIMEOUT_MS = 120_000;
const readySchema = z.object({ metricsUrl: z.string() });

export interface WorkerOptions {
  readonly home: string;
  readonly store: string;
  readonly environment: NodeJS.ProcessEnv;
  /** File that takes what it prints. */
  readonly log: string;
}

/** `regraft worker`, ready, as a process that can be treated badly. */
export interface WorkerProcess {
  readonly metricsUrl: string;
  signal(signal: NodeJS.Signals): void;
  /** Settles once it has ended. */
  readonly ended: Promise<void>;
  /** Ends it on the spot. */
  kill(): Promise<void>;
}

/** @throws RegraftError DRILL_WORKER_FAILED when it ends, or is not ready in time */
export async function startWorkerProcess({ home, store, environment, log }: WorkerOptions): Promise<WorkerProcess> {
  const output = await open(log, 'a');
  const args = ['worker', '--home', home, '--store', store];
  const child = spawn(process.execPath, [path.join(PROJECT_ROOT, 'bin', 'regraft.mjs'), ...args], {
    cwd: PROJECT_ROOT,
    env: environment,
    stdio: ['ignore', output.fd, output.fd, 'ipc'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  await output.close();
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const given = new AbortController();
  const late = setTimeout(READY_TIMEOUT_MS, null, { signal: given.signal, ref: false }).catch(() => null);
  const first = await Promise.race([once(child, 'message'), ended.then(() => null), late]);
  given.abort();
  const ready = readySchema.safeParse(first?.[0]);
  if (!ready.success) {
    await kill();
    throw new RegraftError('DRILL_WORKER_FAILED', `A worker ended before it was ready; ${log} has its last words.`);
  }
  return { metricsUrl: ready.data.metricsUrl, signal: (signal) => void child.kill(signal), ended, kill };
}
