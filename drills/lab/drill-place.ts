import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import type { ArtifactStore } from '../../activities/ports.ts';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import { isErrno } from '../../adapters/store/atomic-file.ts';
import { readSmall } from '../../adapters/trainer/trainer-folder.ts';
import { connectClient, SERVER_FILE } from '../../client/connection.ts';
import { createLineages, type Lineages } from '../../client/lineages.ts';
import { RegraftError } from '../../contracts/error.ts';
import { lineageSpecSchema, type FinetuneSpec, type LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import type { ReleaseState, ReleaseStatus } from '../../contracts/lineage-state.ts';
import { trainingLedgerSchema, type TrainingLedger } from '../../contracts/training-ledger.schema.ts';
import { startDevServer, type DevServer } from '../../workers/dev-server.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import type { DrillModels } from './models.ts';
import { sendSignal } from './processes.ts';
import { endTrainerIn, TrainerInFolder } from './trainer-in-folder.ts';
import { waitFor } from './wait-for.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

/** The training of every drill: short, and long enough to be struck in the middle. */
export const STEPS = 60;
export const SAVE_EVERY = 10;
const RELEASE = 'M1';
const ORDER = { actor: 'regraft drill', reason: 'to see what breaks' };
const serverSchema = z.object({ pid: z.int() });

export interface PlaceOptions {
  /** Folder of all places; the place gets one of its own in it. */
  readonly root: string;
  /** Of the place and of its lineage. */
  readonly name: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly models: DrillModels;
  /** A cache folder to begin with, so that the workflows are bundled once; null: none. */
  readonly cache: string | null;
  readonly finetune: Partial<FinetuneSpec>;
}

/**
 * One lineage with one release that shares nothing with other places: a Temporal server, a store, and workers with home
 * folders of their own, each standing for one machine.
 */
export class DrillPlace {
  readonly name: string;
  readonly folder: string;
  readonly client: Client;
  readonly lineages: Lineages;
  readonly store: ArtifactStore;
  readonly #options: PlaceOptions;
  readonly #workers: Promise<WorkerProcess>[] = [];
  #server: DevServer;

  private constructor(options: PlaceOptions, folder: string, server: DevServer, client: Client) {
    this.name = options.name;
    this.folder = folder;
    this.client = client;
    this.lineages = createLineages(client);
    this.store = createFsArtifactStore(path.join(folder, 'store'));
    this.#options = options;
    this.#server = server;
  }

  /** Starts the server; no worker yet. */
  static async create(options: PlaceOptions): Promise<DrillPlace> {
    const folder = path.join(options.root, options.name);
    const server = await startDevServer(path.join(folder, 'server'), options.environment);
    try {
      const connectionOptions = { address: server.address };
      const client = await connectClient({ connectionOptions, namespace: 'default', from: 'the drill' });
      return new DrillPlace(options, folder, server, client);
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get environment(): PlaceOptions['environment'] {
    return this.#options.environment;
  }

  get spec(): LineageSpec {
    const { models, finetune } = this.#options;
    return lineageSpecSchema.parse({
      name: this.name,
      family: { folder: models.family, names: 'M{release}', order: ['release'], pollEvery: '24h' },
      strategy: 'plain',
      finetune: {
        ...{ dataset: models.dataset, steps: STEPS, saveEvery: SAVE_EVERY, learningRate: 1e-3 },
        ...{ batchSize: 64, maxLength: 32, seed: 17, ...finetune },
      },
      evaluate: [{ name: 'desc', suite: models.suite }],
    });
  }

  /** A worker for all queues with the home folder of this name. */
  async startWorker(home = 'home'): Promise<WorkerProcess> {
    const { environment, cache } = this.#options;
    const { PATH, HOME, REGRAFT_PYTHON, SLURM_CONF } = environment;
    const folder = path.join(this.folder, home);
    await mkdir(folder, { recursive: true });
    if (cache !== null) await cp(cache, path.join(folder, 'cache'), { recursive: true });
    const program = path.join(PROJECT_ROOT, 'bin', 'regraft.mjs');
    const worker = startWorkerProcess(
      [program, 'worker', '--home', folder, '--store', path.join(this.folder, 'store')],
      {
        environment: {
          // Training has the same bits every time on CPUs only.
          ...{ PATH, HOME, CUDA_VISIBLE_DEVICES: '', TEMPORAL_ADDRESS: this.#server.address },
          ...(REGRAFT_PYTHON !== undefined && { REGRAFT_PYTHON }),
          ...(SLURM_CONF !== undefined && { SLURM_CONF }),
        },
        log: path.join(this.folder, `${home}-worker.log`),
      },
    );
    this.#workers.push(worker);
    return worker;
  }

  /** Declares the lineage; its watch finds the release at once. Needs a worker. */
  async declare(): Promise<void> {
    await this.lineages.apply(this.spec, ORDER);
  }

  async cancel(): Promise<void> {
    await this.lineages.cancel(this.name, RELEASE, ORDER);
  }

  async retry(): Promise<void> {
    await this.lineages.retry(this.name, RELEASE, ORDER);
  }

  /** Ends the run's workflow without asking it. */
  async terminateRun(): Promise<void> {
    await this.client.workflow.getHandle(`lineage/${this.name}/run/${RELEASE}/plain`).terminate(ORDER.reason);
  }

  async signalServer(signal: NodeJS.Signals): Promise<void> {
    const record = await readSmall(path.join(this.folder, 'server'), SERVER_FILE, serverSchema);
    if (record !== null) sendSignal(record.pid, signal);
    await this.#server.ended;
  }

  /** Starts the server again on the state that it left. */
  async restartServer(): Promise<void> {
    const { address } = this.#server;
    this.#server = await startDevServer(path.join(this.folder, 'server'), this.#options.environment);
    if (this.#server.address === address) return;
    const found = `Temporal's server of ${this.name} came back at ${this.#server.address}, expected ${address}`;
    throw new RegraftError('DRILL_SERVER_MOVED', `${found}: another program took its port; run the drill again.`);
  }

  /** Waits until the training is there in a home folder, and a trainer runs in it. */
  async trainer(home = 'home'): Promise<TrainerInFolder> {
    const what = `a worker with ${home} has begun the training of ${this.name}`;
    const folder = await waitFor(what, async () => (await this.#trainingFolders(home))[0] ?? null);
    return TrainerInFolder.find(folder);
  }

  /** Every state that the training's ledger has had, oldest first. */
  async ledgers(): Promise<readonly TrainingLedger[]> {
    const [training] = await this.#trainings();
    if (training === undefined) return [];
    const folder = path.join(this.folder, 'store', 'refs', 'training', this.name, RELEASE, training);
    const generations = (await namesIn(folder)).filter((name) => /^@[0-9]+$/.test(name)).sort();
    const digests = await Promise.all(generations.map((name) => readFile(path.join(folder, name), 'utf8')));
    return Promise.all(digests.map(async (digest) => trainingLedgerSchema.parse(await this.store.getRecord(digest))));
  }

  /** Folder in the store with the full state of a committed checkpoint. */
  async stateFolder(step: number): Promise<string> {
    const [training = ''] = await this.#trainings();
    const state = (await this.ledgers()).at(-1)?.checkpoints.find((checkpoint) => checkpoint.step === step)?.state;
    if (state !== undefined && state !== null) {
      return path.join(this.folder, 'store', 'trainings', this.name, RELEASE, training, state);
    }
    const found = `The ledger of ${this.name} names no full state of checkpoint ${String(step)}`;
    throw new RegraftError('DRILL_NO_STATE', `${found}; raise keepLast.`);
  }

  /** Waits until the training's ledger is as wanted. */
  async untilLedger(what: string, is: (ledger: TrainingLedger) => boolean): Promise<TrainingLedger> {
    return waitFor(
      `the ledger of ${this.name} ${what}`,
      async () => {
        const newest = (await this.ledgers()).at(-1);
        return newest !== undefined && is(newest) ? newest : null;
      },
      { everyMs: 100 },
    );
  }

  /** Waits until the release has this status. */
  async untilRelease(status: ReleaseStatus): Promise<ReleaseState> {
    return waitFor(
      `${RELEASE} of ${this.name} is ${status}`,
      async () => {
        const state = await this.lineages.state(this.name).catch(() => null); // nobody answers while a worker is down
        const entry = state?.releases[0];
        if (entry === undefined) return null;
        if (entry.status === status && (status !== 'succeeded' || entry.concludedAt !== null)) return entry;
        if (entry.status === 'failed') throw runFailed(this.name, entry);
        return null;
      },
      { everyMs: 250 },
    );
  }

  /** Names of the trainings that the store has a ledger of: there is one. */
  async #trainings(): Promise<readonly string[]> {
    return namesIn(path.join(this.folder, 'store', 'refs', 'training', this.name, RELEASE));
  }

  /** Folders of trainings in one home folder. */
  async #trainingFolders(home: string): Promise<readonly string[]> {
    const folder = path.join(this.folder, home, 'work', 'training', this.name, RELEASE);
    return (await namesIn(folder)).map((name) => path.join(folder, name));
  }

  /** As {@link #trainingFolders}, of all that ever worked here. */
  async trainingFolders(): Promise<readonly string[]> {
    const homes = await namesIn(this.folder);
    return (await Promise.all(homes.map((home) => this.#trainingFolders(home)))).flat();
  }

  /** Ends every process of this place: workers, trainers, which would outlive them, and the server. */
  async end(): Promise<void> {
    for (const worker of await Promise.allSettled(this.#workers)) {
      if (worker.status === 'fulfilled') await worker.value.kill(); // one that did not start was ended then
    }
    for (const folder of await this.trainingFolders()) await endTrainerIn(folder);
    await this.client.connection.close();
    await this.#server.stop();
  }
}

function runFailed(name: string, { arms }: ReleaseState): RegraftError {
  const failure = arms[0]?.failure;
  const why = failure === null || failure === undefined ? 'without saying why' : `${failure.code}: ${failure.message}`;
  return new RegraftError('DRILL_RUN_FAILED', `The run of ${name} failed: ${why}`);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return [];
    throw error;
  }
}
