import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { createLineages, type Lineages } from '../../client/lineages.ts';
import type { ReleaseState } from '../../contracts/lineage-state.ts';
import { QUEUE_CLASSES, taskQueue, type QueueName } from '../../contracts/task-queues.ts';
import { createLineageDoor } from '../../workers/lineage-door.ts';
import { HeldTraining } from './held-training.ts';
import { formatHistory } from './histories.ts';
import { makeRelease } from './lineage-values.ts';
import { ScriptedWork, type Script } from './scripted-work.ts';
import { lineageSinks, ORDER, quietSpec, releaseOf, testBundle } from './service.ts';
import { waitAtLength } from './wait-at-length.ts';

type Options = Omit<WorkerOptions, 'connection' | 'namespace' | 'taskQueue'>;

/** Workers that differ, on one server: other builds, other data converters, other queues; scripted activities. */
export class Fleet {
  readonly client: Client;
  readonly lineages: Lineages;
  readonly work: ScriptedWork;
  readonly #env: TestWorkflowEnvironment;
  readonly #dataConverter: DataConverter | undefined;
  readonly #controls: RunningWorker[] = [];
  readonly #others: RunningWorker[] = [];

  constructor(env: TestWorkflowEnvironment, dataConverter?: DataConverter) {
    const namespace = env.namespace ?? 'default';
    this.client = new Client({ connection: env.connection, namespace, ...(dataConverter && { dataConverter }) });
    this.lineages = createLineages(this.client);
    this.work = new ScriptedWork(createLineageDoor(this.lineages));
    this.#env = env;
    this.#dataConverter = dataConverter;
  }

  /** One for workflows. */
  async startControl(options: Options = {}): Promise<RunningWorker> {
    return this.#start('control', { sinks: lineageSinks(new Map()), workflowBundle: await testBundle(), ...options });
  }

  /** One for each other queue. */
  async startOthers(options: Options = {}): Promise<void> {
    const others = QUEUE_CLASSES.filter((queue) => queue !== 'control');
    await Promise.all(others.map((queue) => this.startFor(queue, options)));
  }

  async startFor(queue: QueueName, options: Options = {}): Promise<RunningWorker> {
    return this.#start(queue, { activities: this.work.activities(), ...options });
  }

  /** Applies a quiet spec and lets its watch look once. */
  async create(name: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Script> {
    await this.lineages.apply(quietSpec(name, fields), ORDER);
    const script = this.work.script(name);
    await waitAtLength('the first look is over', async () => script.of('findReleases').length > 0);
    return script;
  }

  /** Makes the lineage's trainings go only as far as the test lets them. */
  holdTraining(name: string): HeldTraining {
    const training = new HeldTraining(createLineageDoor(this.lineages));
    this.work.script(name).instead.finetuneModel = training.finetuneModel;
    return training;
  }

  async observe(name: string, number: number): Promise<void> {
    await this.lineages.observeRelease(name, makeRelease(number));
  }

  /** Waits until a release has ended. */
  async untilEnded(name: string, release: string): Promise<ReleaseState> {
    return waitAtLength(
      `${release} of ${name} has ended`,
      async () => {
        const entry = releaseOf(await this.lineages.state(name), release);
        return entry !== undefined && entry.concludedAt !== null && entry;
      },
      100,
    );
  }

  /** A workflow's history as text, as the server has it. */
  async historyOf(workflowId: string): Promise<string> {
    return formatHistory(await this.client.workflow.getHandle(workflowId).fetchHistory());
  }

  async stop(): Promise<void> {
    await Promise.all(this.#others.map((worker) => worker.stop()));
    await Promise.all(this.#controls.map((worker) => worker.stop())); // last: an activity may be asking a workflow
  }

  async #start(queue: QueueName, options: Options): Promise<RunningWorker> {
    const worker = await Worker.create({
      connection: this.#env.nativeConnection,
      namespace: this.#env.namespace ?? 'default',
      taskQueue: taskQueue(queue),
      shutdownForceTime: '2s',
      maxHeartbeatThrottleInterval: '50ms',
      defaultHeartbeatThrottleInterval: '50ms',
      ...(this.#dataConverter && { dataConverter: this.#dataConverter }),
      ...options,
    });
    const ended = worker.run();
    const running = {
      async stop() {
        if (worker.getState() === 'RUNNING') worker.shutdown();
        await ended;
      },
    };
    (queue === 'control' ? this.#controls : this.#others).push(running);
    return running;
  }
}

interface RunningWorker {
  stop(): Promise<void>;
}
