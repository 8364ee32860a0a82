import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import type { ArtifactStore } from '../../activities/ports.ts';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import type { Launcher } from '../../adapters/trainer/launcher.ts';
import { createLocalLauncher } from '../../adapters/trainer/local-launcher.ts';
import { connectClient } from '../../client/connection.ts';
import { createLineages, type Lineages } from '../../client/lineages.ts';
import type { LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import { taskQueue } from '../../contracts/task-queues.ts';
import { startWorkerProcess, type WorkerProcess } from '../../drills/lab/worker-process.ts';
import { findRelease } from '../../policy/lineage/state.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import type { lineage } from '../../workflows/lineage.ts';
import { launchIn } from './trainings.ts';
import { waitAtLength } from './wait-at-length.ts';

/** Where a lineage stood at some moment, with a copy of what its home folder held: others can go on from there. */
export interface Standing {
  readonly home: string;
  readonly state: LineageState;
}

/** What of a home folder a lineage goes on with; unfinished work and logs are not. */
const KEPT = ['store', 'cache', 'published'];

/**
 * One lineage that shares nothing with others but a Temporal server: a home folder, a namespace and workers of its own, so
 * that several live side by side. It publishes into its home folder.
 */
export class LineagePlace {
  readonly home: string;
  readonly name: string;
  /** Of the Temporal server. */
  readonly address: string;
  /** Folder in which models go live. */
  readonly target: string;
  readonly client: Client;
  readonly lineages: Lineages;
  readonly store: ArtifactStore;
  /** For looking at the trainers that workers started and for ending them. */
  readonly trainers: Launcher = createLocalLauncher({ gpus: { take: () => Promise.resolve({}) }, gpusWanted: 0 });
  readonly #environment: NodeJS.ProcessEnv;
  readonly #workers: WorkerProcess[] = [];

  private constructor(home: string, name: string, client: Client, address: string) {
    this.home = home;
    this.name = name;
    this.address = address;
    this.target = path.join(home, 'published');
    this.client = client;
    this.lineages = createLineages(client);
    this.store = createFsArtifactStore(path.join(home, 'store'));
    const { PATH, HOME } = process.env;
    const temporal = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: name };
    // Training has the same bits every time on CPUs only.
    this.#environment = { PATH, HOME, CUDA_VISIBLE_DEVICES: '', ...temporal };
  }

  /** Makes the home folder and the namespace, both called as the lineage will be. */
  static async create(root: string, name: string, address: string): Promise<LineagePlace> {
    const home = path.join(root, name);
    await mkdir(home, { recursive: true });
    const client = await connectClient({ connectionOptions: { address }, namespace: name, from: 'the test' });
    const place = new LineagePlace(home, name, client, address);
    await place.#makeNamespace();
    return place;
  }

  /** Keeps what the lineage has now in another folder. */
  async takeStanding(home: string): Promise<Standing> {
    await copyKept(this.home, home);
    return { home, state: await this.lineages.state(this.name) };
  }

  /** Starts the lineage with all that another one had, as continue-as-new starts one with what it had itself. */
  async goOnFrom({ home, state }: Standing): Promise<void> {
    await copyKept(home, this.home);
    const spec = { ...state.spec, name: this.name, publish: [{ folder: this.target }] };
    const live = state.published?.candidateDigest;
    if (live !== undefined) await this.store.swapRef(`published/${this.name}`, null, live);
    await this.client.workflow.start<typeof lineage>('lineage', {
      workflowId: `lineage/${this.name}`,
      taskQueue: taskQueue('control'),
      args: [{ spec, carried: { ...state, spec } }],
    });
  }

  /** `regraft worker`, ready. */
  startWorker(): Promise<WorkerProcess> {
    return this.startWorkerProgram([path.join(PROJECT_ROOT, 'bin', 'regraft.mjs'), 'worker', '--home', this.home]);
  }

  /** Another program of Node's that is a worker, ready. */
  async startWorkerProgram(args: readonly string[]): Promise<WorkerProcess> {
    const log = path.join(this.home, 'worker.log');
    const worker = await startWorkerProcess(args, { environment: this.#environment, log });
    this.#workers.push(worker);
    return worker;
  }

  async waitUntilConcluded(release: string): Promise<ReleaseState> {
    const concluded = async (): Promise<ReleaseState | null> => {
      const state = await this.lineages.state(this.name).catch(() => null); // while no worker answers
      const entry = state === null ? undefined : findRelease(state, release);
      return entry === undefined || entry.concludedAt === null ? null : entry;
    };
    return waitAtLength(`${this.name} has concluded ${release}`, concluded, 500);
  }

  /** Waits until the training at a release is as wanted; returns its folder. */
  async waitUntilTraining(
    release: string,
    what: string,
    is: (folder: string) => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<string> {
    return waitAtLength(`the training of ${this.name} at ${release} ${what}`, async () => {
      const folder = await this.#trainingFolder(release);
      return folder !== null && (await is(folder)) && folder;
    });
  }

  /** Every record of one kind in the store that is about this lineage. */
  async records(schema: string): Promise<readonly unknown[]> {
    const folder = path.join(this.home, 'store', 'records');
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    const texts = files.filter((file) => file.isFile()).map((file) => readFile(path.join(file.parentPath, file.name)));
    const values = (await Promise.all(texts)).map((text): unknown => JSON.parse(text.toString()));
    return values.filter((value) => isRecordOf(value, schema, this.name));
  }

  /** Ends every process of this place: its workers, and the trainers, which would outlive them. */
  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.kill()));
    for (const release of await readdir(path.join(this.home, 'work', 'training', this.name)).catch(() => [])) {
      const folder = await this.#trainingFolder(release);
      const launch = folder === null ? null : await launchIn(folder);
      if (launch !== null) await this.trainers.stop(launch, 'kill');
    }
    await this.client.connection.close();
  }

  /** There is one training of an arm at a release, whatever happens. */
  async #trainingFolder(release: string): Promise<string | null> {
    const folder = path.join(this.home, 'work', 'training', this.name, release);
    const [training] = await readdir(folder).catch(() => []);
    return training === undefined ? null : path.join(folder, training);
  }

  async #makeNamespace(): Promise<void> {
    const { workflowService } = this.client;
    const retention = { seconds: 86_400 as unknown as Long };
    await workflowService.registerNamespace({ namespace: this.name, workflowExecutionRetentionPeriod: retention });
    await waitAtLength(`the server knows namespace ${this.name}`, () =>
      workflowService.listOpenWorkflowExecutions({ namespace: this.name }).then(
        () => true,
        () => false,
      ),
    );
  }
}

async function copyKept(from: string, to: string): Promise<void> {
  for (const folder of KEPT) {
    await cp(path.join(from, folder), path.join(to, folder), { recursive: true, verbatimSymlinks: true });
  }
}

function isRecordOf(value: unknown, schema: string, lineage: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return 'schema' in value && value.schema === schema && 'lineage' in value && value.lineage === lineage;
}
