import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { namesOwnServer } from '../client/connection.ts';
import { RegraftError } from '../contracts/error.ts';
import { startDevServer, type DevServer } from './dev-server.ts';
import { takeHome } from './home-lock.ts';
import { PROJECT_ROOT } from './settings.ts';

const WORKER_READY_TIMEOUT_MS = 120_000;
const RESTART_AFTER_MS = 1_000;

export interface UpOptions {
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly gpuSlots: number;
  readonly metricsPort: number;
  readonly say: (line: string) => void;
}

export interface Up {
  readonly metricsUrl: string;
  /** Temporal's web page; null with a server of the user's own. */
  readonly temporalUiUrl: string | null;
  /** Stops the worker, then the server. Trainings in flight go on by themselves and are adopted at the next start. */
  stop(): Promise<void>;
}

/**
 * Starts everything on this machine and keeps it up: the embedded Temporal server (unless TEMPORAL_ADDRESS names one)
 * and a worker process for all queues. One that dies is started again.
 *
 * @throws RegraftError HOME_IN_USE, TEMPORAL_*, WORKER_START_FAILED
 */
export async function startUp(options: UpOptions): Promise<Up> {
  const release = await takeHome(options.home);
  const supervisor = new Supervisor(options);
  try {
    return await supervisor.start(release);
  } catch (error) {
    await supervisor.stop();
    await release();
    throw error;
  }
}

class Supervisor {
  readonly #options: UpOptions;
  #server: DevServer | null = null;
  #worker: ChildProcess | null = null;
  #stopping = false;

  constructor(options: UpOptions) {
    this.#options = options;
  }

  async start(release: () => Promise<void>): Promise<Up> {
    const { home, environment, metricsPort } = this.#options;
    if (!namesOwnServer(environment)) await this.#startServer();
    const metricsUrl = await this.#startWorker(metricsPort);
    return {
      metricsUrl,
      temporalUiUrl: this.#server?.uiUrl ?? null,
      stop: async () => {
        await this.stop();
        await release();
        this.#options.say(`Stopped. State is kept in ${home}.`);
      },
    };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const worker = this.#worker;
    if (worker?.exitCode === null && worker.signalCode === null) {
      const ended = new Promise<void>((resolve) =>
        worker.once('exit', () => {
          resolve();
        }),
      );
      worker.kill('SIGTERM');
      await ended;
    }
    await this.#server?.stop();
  }

  async #startServer(): Promise<void> {
    const { home, environment, say } = this.#options;
    const server = await startDevServer(home, environment);
    this.#server = server;
    say(
      `Temporal ${server.adopted ? 'was still running' : 'started'} at ${server.address}, its page is ${server.uiUrl}`,
    );
    void server.ended.then(async () => {
      if (this.#stopping) return;
      say('Temporal ended; starting it again on the same state');
      await setTimeout(RESTART_AFTER_MS);
      if (!this.#isStopping()) await this.#startServer();
    });
  }

  /** The flag through a call: it may have changed while awaiting. */
  #isStopping(): boolean {
    return this.#stopping;
  }

  async #startWorker(metricsPort: number): Promise<string> {
    const { home, gpuSlots, say, environment } = this.#options;
    const args = ['worker', '--home', home, '--gpu-slots', String(gpuSlots), '--metrics-port', String(metricsPort)];
    const child = spawn(process.execPath, [path.join(PROJECT_ROOT, 'bin', 'regraft.mjs'), ...args], {
      env: { ...environment },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#worker = child;
    const url = await readyOf(child);
    say(`Worker ${String(child.pid)} serves all queues; metrics at ${url}/metrics`);
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      say(`Worker ${String(child.pid)} ended (${signal ?? String(code)}); starting another`);
      void setTimeout(RESTART_AFTER_MS).then(async () => {
        if (!this.#stopping) await this.#startWorker(Number(new URL(url).port));
      });
    });
    return url;
  }
}

async function readyOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = globalThis.setTimeout(() => {
      finish(() => {
        reject(startFailed('it was not ready in time'));
      });
    }, WORKER_READY_TIMEOUT_MS);
    const onMessage = (message: unknown): void => {
      if (typeof message !== 'object' || message === null || !('metricsUrl' in message)) return;
      finish(() => {
        resolve(String(message.metricsUrl));
      });
    };
    const onExit = (code: number | null, signal: string | null): void => {
      finish(() => {
        reject(startFailed(`it ended with ${signal ?? String(code)}`));
      });
    };
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      settle();
    };
    child.on('message', onMessage).on('exit', onExit);
  });
}

function startFailed(why: string): RegraftError {
  return new RegraftError('WORKER_START_FAILED', `The worker did not start: ${why}; its own message is above.`, {
    retryable: true,
  });
}
