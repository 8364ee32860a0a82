import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectClient } from '../../client/connection.ts';
import { createLineages, type Lineages } from '../../client/lineages.ts';
import { lineageSpecSchema, type LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import { startWorkerProcess, type WorkerProcess } from '../../drills/lab/worker-process.ts';
import { startDevServer, type DevServer } from '../../workers/dev-server.ts';
import { freePort } from '../../workers/loopback-ports.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { killTemporalServer } from '../support/kill-temporal-server.ts';
import { killProcessesOf } from '../support/processes-of.ts';
import { testBundle } from '../support/service.ts';
import { startReceiverProcess, type ReceiverProcess } from '../web/receiver-process.ts';
import { ChaosSource } from './chaos-source.ts';
import { VICTIMS, type Victim } from './plan-chaos.ts';

export const NAME = 'chaos';
export const STEPS = 4;
export const ARM = 'iterative';
const SECRET = 'chaos-and-nothing-but-chaos';

const STEP_MILLISECONDS = 100;
const MOST_STARTS = 10;
const RESTART_PAUSE_MS = 500;
const TRAINER = fileURLToPath(new URL('chaos-trainer.mjs', import.meta.url));
const SCORER = fileURLToPath(new URL('chaos-scorer.mjs', import.meta.url));

/** A process that can be killed and started again. */
interface Running {
  kill(): Promise<void>;
  /** Tells it to end, and waits until it has. */
  end(): Promise<void>;
}

/** One lineage with everything that it needs, each in a process of its own, below one folder. */
export class ChaosPlace {
  readonly root: string;
  readonly source: ChaosSource;
  readonly #running = new Map<Victim, Running>();
  readonly #receiverPort: number;
  #address = '';
  #isOver = false;

  private constructor(root: string, source: ChaosSource, receiverPort: number) {
    this.root = root;
    this.source = source;
    this.#receiverPort = receiverPort;
  }

  /** Starts everything; without a lineage yet. `pollEvery`: how often the Schedule looks. */
  static async create(root: string, pollEvery: string): Promise<ChaosPlace> {
    for (const folder of ['home', 'tmp', 'suite']) await mkdir(path.join(root, folder), { recursive: true });
    await testBundle(); // made once, so that no worker has to
    await cp(path.join(PROJECT_ROOT, '.regraft', 'cache'), path.join(root, 'home', 'cache'), { recursive: true });
    await writeFile(path.join(root, 'data.jsonl'), '{"prompt": "a", "completion": "b"}\n');
    const command = [process.execPath, SCORER, '{model}', '{output}'];
    const suite = { name: 'skill', harness: 'command', command };
    await writeFile(path.join(root, 'suite', 'suite.yaml'), JSON.stringify(suite)); // JSON is YAML
    const source = await ChaosSource.start(path.join(root, 'hub'), pollEvery);
    const place = new ChaosPlace(root, source, await freePort());
    try {
      await place.start('server');
      await Promise.all(VICTIMS.filter((victim) => victim !== 'server').map((victim) => place.start(victim)));
      return place;
    } catch (error) {
      await place.destroy();
      throw error;
    }
  }

  get home(): string {
    return path.join(this.root, 'home');
  }

  get store(): string {
    return path.join(this.home, 'store');
  }

  get target(): string {
    return path.join(this.root, 'published');
  }

  get spec(): LineageSpec {
    return lineageSpecSchema.parse({
      name: NAME,
      family: this.source.family,
      strategy: ARM,
      finetune: {
        ...{ trainer: 'command', dataset: path.join(this.root, 'data.jsonl'), learningRate: 1, batchSize: 1 },
        ...{ steps: STEPS, saveEvery: STEPS / 2 },
        command: [process.execPath, TRAINER, String(STEP_MILLISECONDS), '{folder}'],
      },
      evaluate: [{ name: 'skill', suite: path.join(this.root, 'suite'), harness: 'command' }],
      gate: { floors: { skill: 0.25 } },
      publish: [{ folder: this.target }],
    });
  }

  /** Where the Hub's webhooks go, and what they carry. */
  get webhook(): { readonly url: string; readonly secret: string } {
    return { url: `http://127.0.0.1:${String(this.#receiverPort)}/hub`, secret: SECRET };
  }

  /** Asks through a client of its own: the server may have been another process a moment ago. */
  async ask<Answer>(work: (lineages: Lineages) => Promise<Answer>): Promise<Answer> {
    const connectionOptions = { address: this.#address };
    const client = await connectClient({ connectionOptions, namespace: 'default', from: 'the chaos test' });
    try {
      return await work(createLineages(client, 10_000));
    } finally {
      await client.connection.close();
    }
  }

  /** Kills one the hardest way; false: it does not run. */
  async kill(victim: Victim): Promise<boolean> {
    const running = this.#running.get(victim);
    if (running === undefined) return false;
    this.#running.delete(victim);
    await running.kill();
    return true;
  }

  /** Starts one until it runs: without a server a worker ends again, as it does under `regraft up`. */
  async start(victim: Victim): Promise<void> {
    for (let starts = 1; ; starts += 1) {
      try {
        this.#running.set(victim, await this.#startOne(victim));
        if (this.#isOver) await this.kill(victim);
        return;
      } catch (error) {
        if (this.#isOver || starts === MOST_STARTS) throw error;
        await setTimeout(RESTART_PAUSE_MS);
      }
    }
  }

  /** Ends everything in good order: the server last. */
  async end(): Promise<void> {
    const { server, ...others } = Object.fromEntries(this.#running);
    this.#running.clear();
    await Promise.all(Object.values(others).map((running) => running.end()));
    await server?.end();
  }

  /** Ends whatever there is, in any order. */
  async destroy(): Promise<void> {
    this.#isOver = true;
    await Promise.all([...this.#running.keys()].map((victim) => this.kill(victim)));
    await killProcessesOf(this.root);
    await this.source.hub.stop();
  }

  async #startOne(victim: Victim): Promise<Running> {
    switch (victim) {
      case 'server':
        return this.#startServer();
      case 'receiver':
        return this.#startReceiver();
      case 'worker-1':
      case 'worker-2':
        return this.#startWorker(victim);
    }
  }

  async #startServer(): Promise<Running> {
    const home = path.join(this.root, 'server');
    const server: DevServer = await startDevServer(home, process.env);
    if (this.#address !== '' && server.address !== this.#address) {
      await server.stop();
      throw new Error(`the server came back at ${server.address}, not at ${this.#address}: its port was taken`);
    }
    this.#address = server.address;
    const kill = async (): Promise<void> => {
      await killTemporalServer(home);
      await server.ended;
    };
    return { kill, end: () => server.stop() };
  }

  async #startWorker(name: string): Promise<Running> {
    const worker: WorkerProcess = await startWorkerProcess(
      [path.join(PROJECT_ROOT, 'bin', 'regraft.mjs'), 'worker', '--home', this.home],
      { environment: this.#environment(), log: path.join(this.root, `${name}.log`) },
    );
    return {
      kill: () => worker.kill(),
      async end() {
        worker.signal('SIGTERM');
        await worker.ended;
      },
    };
  }

  async #startReceiver(): Promise<Running> {
    const environment = { ...this.#environment(), REGRAFT_WEBHOOK_SECRET: SECRET };
    const port = String(this.#receiverPort);
    const receiver: ReceiverProcess = await startReceiverProcess(environment, '--home', this.home, '--port', port);
    return {
      async kill() {
        await receiver.end('SIGKILL');
      },
      async end() {
        await receiver.end('SIGTERM');
      },
    };
  }

  #environment(): NodeJS.ProcessEnv {
    const { PATH, HOME } = process.env;
    const TMPDIR = path.join(this.root, 'tmp'); // what is left there is seen
    const temporal = { TEMPORAL_ADDRESS: this.#address };
    return { PATH, HOME, TMPDIR, CUDA_VISIBLE_DEVICES: '', ...temporal, ...this.source.environment };
  }
}
