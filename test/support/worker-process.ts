import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import { PROJECT_ROOT } from '../../workers/settings.ts';

/** A worker as a process of its own. */
export interface WorkerProcess {
  /** The signal that ended it; null when it ended by itself. */
  readonly ended: Promise<NodeJS.Signals | null>;
  /** Ends it on the spot, if it still runs. */
  kill(): Promise<void>;
}

/** Starts `node ...args`; resolves once that worker says that it is ready, as the one of `regraft up` does. */
export async function startWorkerProcess(
  args: readonly string[],
  options: { readonly environment: NodeJS.ProcessEnv; readonly log: string },
): Promise<WorkerProcess> {
  const log = await open(options.log, 'a');
  const child = spawn(process.execPath, args, {
    cwd: PROJECT_ROOT,
    env: options.environment,
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('exit', (_code, signal) => {
      resolve(signal);
    });
  });
  await log.close();
  await readiness(child, options.log);
  return {
    ended,
    async kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}

async function readiness(child: ChildProcess, log: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => {
      resolve();
    });
    child.once('exit', () => {
      reject(new Error(`the worker ended before it was ready; see ${log}`));
    });
  });
}
