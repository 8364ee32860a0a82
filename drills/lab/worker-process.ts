import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { RegraftError } from '../../contracts/error.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';

const READY_TIMEOUT_MS = 120_000;
const LOG_TAIL_LINES = 20;
const readySchema = z.object({ metricsUrl: z.string() });

export interface WorkerOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** File that takes what it prints. */
  readonly log: string;
}

/** A worker, ready, as a process of its own that can be treated badly. */
export interface WorkerProcess {
  readonly metricsUrl: string;
  signal(signal: NodeJS.Signals): void;
  /** Settles once it has ended, with the signal that ended it; null when it ended by itself. */
  readonly ended: Promise<NodeJS.Signals | null>;
  /** Ends it on the spot, if it still runs. */
  kill(): Promise<void>;
}

/**
 * Starts `node ...args`; resolves once that worker says that it is ready, as the one of `regraft up` does.
 * @throws RegraftError DRILL_WORKER_FAILED with the end of its log, when it ends before, or is not ready in time
 */
export async function startWorkerProcess(
  args: readonly string[],
  { environment, log }: WorkerOptions,
): Promise<WorkerProcess> {
  const output = await open(log, 'a');
  const child = spawn(process.execPath, args, {
    cwd: PROJECT_ROOT,
    env: environment,
    stdio: ['ignore', output.fd, output.fd, 'ipc'],
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('exit', (_code, signal) => {
      resolve(signal);
    });
  });
  await output.close();
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const given = new AbortController();
  const late = setTimeout(READY_TIMEOUT_MS, 'late' as const, { signal: given.signal, ref: false }).catch(() => null);
  const first = await Promise.race([once(child, 'message'), ended.then(() => null), late]);
  given.abort();
  const ready = readySchema.safeParse(first?.[0]);
  if (ready.success) {
    return { metricsUrl: ready.data.metricsUrl, signal: (signal) => void child.kill(signal), ended, kill };
  }
  const how = first === 'late' ? `was not ready after ${String(READY_TIMEOUT_MS / 1000)} s` : howItEnded(child);
  await kill();
  const tail = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  throw new RegraftError('DRILL_WORKER_FAILED', `A worker ${how}; the end of its log:\n${tail}`);
}

function howItEnded({ exitCode, signalCode }: ChildProcess): string {
  return `ended (${signalCode ?? `exit code ${String(exitCode)}`}) before it was ready`;
}
