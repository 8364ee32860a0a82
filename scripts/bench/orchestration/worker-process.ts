import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('scripted-worker.ts', import.meta.url));
const READY_WITHIN_MS = 120_000;
const END_WITHIN_MS = 20_000;

export interface WorkerProcess {
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts the scripted worker; throws where it ends before it is ready, or takes too long. */
export async function startWorkerProcess(root: string, address: string): Promise<WorkerProcess> {
  const child = fork(WORKER, [address], {
    cwd: root,
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 2, 2, 'ipc'], // standard output is for results
    detached: true, // an interrupt ends it through us, after what it serves
  });
  const ended = once(child, 'exit');
  try {
    await readyOf(child);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    pid: child.pid ?? 0,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.disconnect();
      const late = new AbortController();
      void setTimeout(END_WITHIN_MS, undefined, late).then(
        () => child.kill('SIGKILL'),
        () => undefined, // it has ended in time
      );
      await ended;
      late.abort();
    },
  };
}

async function readyOf(child: ChildProcess): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(READY_WITHIN_MS)]);
  const isReady = once(child, 'message', { signal }).then(() => true);
  const isGone = once(child, 'exit', { signal }).then(() => false);
  try {
    if (await Promise.race([isReady, isGone])) return;
  } catch (error) {
    throw new Error('The worker of the benchmark was not ready in two minutes; run it again.', { cause: error });
  } finally {
    over.abort();
    await Promise.allSettled([isReady, isGone]);
  }
  throw new Error(`The worker of the benchmark ended with ${String(child.exitCode)}; its own message is above.`);
}
