import { namesOwnServer } from '../client/connection.ts';
import { startDevServer, type DevServer } from './dev-server.ts';
import { takeHome } from './home-lock.ts';
import { keepUp, type KeptUp, type Running } from './keep-up.ts';
import { startWorkerChild, type WorkerChild } from './worker-child.ts';

export interface UpOptions {
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly gpuSlots: number;
  readonly metricsPort: number;
  readonly say: (line: string) => void;
  /** Pauses before what ended is started again, in turn; those of keep-up.ts unless given. */
  readonly pausesMs?: readonly number[];
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
 * and a worker process for all queues. One that dies is started again, for as long as it takes.
 *
 * @throws RegraftError HOME_IN_USE, TEMPORAL_*, WORKER_START_FAILED when the first start fails; nothing is left running
 */
export async function startUp(options: UpOptions): Promise<Up> {
  const { home, environment, say } = options;
  const release = await takeHome(home);
  const supervisor = new Supervisor(options);
  try {
    if (!namesOwnServer(environment)) await supervisor.keepServerUp();
    const metricsUrl = await supervisor.keepWorkerUp();
    return {
      metricsUrl,
      temporalUiUrl: supervisor.temporalUiUrl,
      async stop() {
        await supervisor.stop();
        await release();
        say(`Stopped. State is kept in ${home}.`);
      },
    };
  } catch (error) {
    await supervisor.stop();
    await release();
    throw error;
  }
}

class Supervisor {
  readonly #options: UpOptions;
  #server: KeptUp<KeptServer> | null = null;
  #worker: KeptUp<WorkerChild> | null = null;
  /** Where the running worker expects Temporal. */
  #address: string | null = null;
  /** The one that was asked for, then the one that was got. */
  #metricsPort: number;

  constructor(options: UpOptions) {
    this.#options = options;
    this.#metricsPort = options.metricsPort;
  }

  get temporalUiUrl(): string | null {
    return this.#server?.current.uiUrl ?? null;
  }

  async keepServerUp(): Promise<void> {
    this.#server = await keepUp({ ...this.#options, start: (signal) => this.#startServer(signal) });
  }

  async keepWorkerUp(): Promise<string> {
    this.#worker = await keepUp({ ...this.#options, start: (signal) => this.#startWorker(signal) });
    return this.#worker.current.metricsUrl;
  }

  async stop(): Promise<void> {
    await this.#worker?.stop();
    await this.#server?.stop();
  }

  async #startServer(signal: AbortSignal): Promise<KeptServer> {
    const { home, environment, say } = this.#options;
    const server = await startDevServer(home, environment, { signal });
    const how = server.adopted ? 'was still running' : 'started';
    say(`Temporal ${how} at ${server.address}, its page is ${server.uiUrl}`);
    if (this.#address !== null && this.#address !== server.address) {
      say('That is another address than before; the worker is started again.');
      void this.#worker?.current.stop();
    }
    this.#address = server.address;
    return { ...server, ended: server.ended.then(() => 'Temporal ended; its state is kept.') };
  }

  async #startWorker(signal: AbortSignal): Promise<WorkerChild> {
    const { say } = this.#options;
    const worker = await startWorkerChild({ ...this.#options, metricsPort: this.#metricsPort }, signal);
    this.#metricsPort = Number(new URL(worker.metricsUrl).port);
    say(`Worker ${String(worker.pid)} serves all queues; metrics at ${worker.metricsUrl}/metrics`);
    return worker;
  }
}

type KeptServer = Running & Pick<DevServer, 'uiUrl'>;
