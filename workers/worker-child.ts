import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { messageOf, RegraftError } from '../contracts/error.ts';
import type { Running } from './keep-up.ts';
import { PROJECT_ROOT } from './settings.ts';

const READY_TIMEOUT_MS = 120_000;
/** A little more than a worker gives its own activities to end (run-worker.ts). */
const STOP_TIMEOUT_MS = 30_000;

export interface WorkerChildOptions {
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly gpuSlots: number;
  readonly metricsPort: number;
}

/** A `regraft worker` for all queues as a child of this process. */
export interface WorkerChild extends Running {
  readonly pid: number;
  readonly metricsUrl: string;
}

/**
 * Starts one; resolves when it is ready. One that is not ready in time, or whose signal is aborted before, is killed: its
 * activities survive that, as they survive everything.
 *
 * @throws RegraftError WORKER_START_FAILED
 */
export async function startWorkerChild(options: WorkerChildOptions, signal: AbortSignal): Promise<WorkerChild> {
  const { home, gpuSlots, metricsPort, environment } = options;
  const args = ['worker', '--home', home, '--slots', String(gpuSlots), '--metrics-port', String(metricsPort)];
  const child = spawn(process.execPath, [path.join(PROJECT_ROOT, 'bin', 'regraft.mjs'), ...args], {
    env: { ...environment },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = exitOf(child);
  try {
    const metricsUrl = await readyOf(child, exited, signal);
    const pid = child.pid ?? 0;
    return {
      pid,
      metricsUrl,
      ended: exited.then((how) => `Worker ${String(pid)} ended (${how}).`),
      async stop() {
        const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
        child.kill('SIGTERM');
        await exited;
        clearTimeout(late);
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    throw error;
  }
}

/** Settles with the signal or the code that it ended with, or with why it could not be started at all. */
function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(signal ?? `exit code ${String(code)}`);
    });
    // Also told of a message that could not be sent, which the exit explains.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(messageOf(error));
    });
  });
}

/** The first message says where the worker's metrics are. */
async function readyOf(child: ChildProcess, exited: Promise<string>, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(READY_TIMEOUT_MS)]);
  const told = once(child, 'message', { signal: limit }).then(
    ([first]: readonly unknown[]) => first,
    (error: unknown) => {
      throw startFailed(
        signal.aborted ? 'it was told to stop' : limit.aborted ? 'it was not ready in time' : messageOf(error),
      );
    },
  );
  const ended = exited.then((how) => {
    throw startFailed(`it ended (${how})`);
  });
  const message = await Promise.race([told, ended]);
  if (typeof message === 'object' && message !== null && 'metricsUrl' in message) return String(message.metricsUrl);
  throw startFailed('it sent something else than where its metrics are');
}

function startFailed(why: string): RegraftError {
  return new RegraftError('WORKER_START_FAILED', `The worker did not start: ${why}; its own message is above.`, {
    retryable: true,
  });
}
