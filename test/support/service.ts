import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type InjectedSinks, type WorkerOptions } from '@temporalio/worker';
import type { LineageDoor } from '../../activities/ports.ts';
import { createLineages, type Lineages } from '../../client/lineages.ts';
import type { LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import type { LineageState, Order, ReleaseState } from '../../contracts/lineage-state.ts';
import { QUEUE_CLASSES, taskQueue, type QueueClass } from '../../contracts/task-queues.ts';
import { createLineageDoor } from '../../workers/lineage-door.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import type { LineageSinks } from '../../workflows/sinks.ts';
import { HeldTraining } from './held-training.ts';
import { makeRelease, makeSpec, SMALLEST_SPEC } from './lineage-values.ts';
import { ScriptedWork, type Activities, type Script } from './scripted-work.ts';
import { waitAtLength } from './wait-at-length.ts';
import { waitUntil } from './wait-until.ts';

/** Today's workflows as a file; made once for all test files. */
export const testBundle = (): Promise<{ readonly codePath: string }> =>
  workflowBundle(path.join(PROJECT_ROOT, '.regraft', 'cache'));

export const ORDER: Order = { actor: 'ada', reason: 'a test says so' };

/** A spec with two checkpoints, whose watch looks once, when it is made, and then leaves the test alone. */
export function quietSpec(name: string, fields: Readonly<Record<string, unknown>> = {}): LineageSpec {
  const family = { ...SMALLEST_SPEC.family, pollEvery: '24h' };
  return makeSpec({ name, family, finetune: { ...SMALLEST_SPEC.finetune, saveEvery: 50 }, ...fields });
}

/** The workflows, for real, on a server, with scripted activities behind all five queues. */
export class Service {
  readonly env: TestWorkflowEnvironment;
  readonly lineages: Lineages;
  readonly door: LineageDoor;
  readonly work: ScriptedWork;
  /** What the paused gauge was last told, by lineage. */
  readonly pausedGauge = new Map<string, boolean>();
  #control: RunningWorker | null = null;
  readonly #others = new Map<QueueClass, RunningWorker>();
  readonly #bundle: typeof testBundle;

  private constructor(env: TestWorkflowEnvironment, bundle: typeof testBundle) {
    this.env = env;
    this.#bundle = bundle;
    this.lineages = createLineages(env.client);
    this.door = createLineageDoor(this.lineages);
    this.work = new ScriptedWork(this.door);
  }

  static async start(env: TestWorkflowEnvironment, bundle: typeof testBundle = testBundle): Promise<Service> {
    const service = new Service(env, bundle);
    try {
      await service.#startAll();
    } catch (error) {
      await service.stop();
      throw error;
    }
    return service;
  }

  /** Applies a quiet spec and lets its watch look once; returns what the lineage's activities do. */
  async create(name: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Script> {
    await this.lineages.apply(quietSpec(name, fields), ORDER);
    const script = this.work.script(name);
    await waitUntil('the first look is over', async () => script.of('findReleases').length > 0);
    return script;
  }

  /** Makes the lineage's trainings go only as far as the test lets them. */
  holdTraining(name: string): HeldTraining {
    const training = new HeldTraining(this.door);
    this.work.script(name).instead.finetuneModel = training.finetuneModel;
    return training;
  }

  async observe(name: string, ...numbers: readonly number[]): Promise<void> {
    for (const number of numbers) await this.lineages.observeRelease(name, makeRelease(number));
  }

  /** A worker for the control queue, which knows nothing but what the server tells it. */
  async startControl(): Promise<void> {
    const sinks = lineageSinks(this.pausedGauge);
    this.#control = await this.#run({ taskQueue: taskQueue('control'), workflowBundle: await this.#bundle(), sinks });
  }

  async stopControl(): Promise<void> {
    await this.#control?.stop();
    this.#control = null;
  }

  /** The worker for one of the queues of activities; `slots`: how many of them at a time. */
  async startQueue(queue: QueueClass, slots?: number): Promise<void> {
    const activities = this.work.activities();
    const limit = slots === undefined ? {} : { maxConcurrentActivityTaskExecutions: slots };
    this.#others.set(queue, await this.#run({ taskQueue: taskQueue(queue), activities, ...limit }));
  }

  async stopQueue(queue: QueueClass): Promise<void> {
    await this.#others.get(queue)?.stop();
    this.#others.delete(queue);
  }

  /** Waits until a release is in one of these states; without any, until it has ended. */
  async until(lineage: string, release: string, ...statuses: readonly ReleaseState['status'][]): Promise<ReleaseState> {
    const wanted = statuses.length === 0 ? ['succeeded', 'failed', 'cancelled'] : statuses;
    return waitAtLength(`${release} of ${lineage} is ${wanted.join(' or ')}`, async () => {
      const entry = releaseOf(await this.lineages.state(lineage), release);
      if (entry !== undefined && wanted.includes(entry.status)) return entry;
      await setTimeout(100); // a query costs the server as much as a step of a run
      return null;
    });
  }

  /** Waits until a workflow has nothing under way: no step of its own, and no activity but these. */
  async untilQuiet(workflowId: string, ...but: readonly (keyof Activities)[]): Promise<void> {
    const handle = this.env.client.workflow.getHandle(workflowId);
    const allowed: readonly string[] = but;
    await waitUntil(`${workflowId} is quiet`, async () => {
      const { raw } = await handle.describe();
      const others = raw.pendingActivities?.filter(({ activityType }) => !allowed.includes(activityType?.name ?? ''));
      return others?.length === 0 && !raw.pendingWorkflowTask;
    });
  }

  async stop(): Promise<void> {
    try {
      await Promise.all([...this.#others.keys()].map((queue) => this.stopQueue(queue)));
      await this.stopControl(); // last: an activity under way may be asking a workflow
    } finally {
      await this.env.teardown(); // a worker that did not stop must not leave a server behind
    }
  }

  async #startAll(): Promise<void> {
    const others = QUEUE_CLASSES.filter((queue) => queue !== 'control');
    await Promise.all(others.map((queue) => this.startQueue(queue)));
    await this.startControl();
  }

  async #run(options: Omit<WorkerOptions, 'connection' | 'namespace'>): Promise<RunningWorker> {
    const worker = await Worker.create({
      connection: this.env.nativeConnection,
      namespace: this.env.namespace ?? 'default',
      shutdownForceTime: '2s',
      // So that a cancelled activity hears of it soon.
      maxHeartbeatThrottleInterval: '50ms',
      defaultHeartbeatThrottleInterval: '50ms',
      ...options,
    });
    const ended = worker.run();
    return {
      async stop() {
        worker.shutdown();
        await ended;
      },
    };
  }
}

/** Keeps what the paused gauge was last told, as the worker's own sink does. */
export function lineageSinks(pausedGauge: Map<string, boolean>): InjectedSinks<LineageSinks> {
  return {
    lineageMetrics: {
      paused: { fn: (_info, lineage, paused) => void pausedGauge.set(lineage, paused), callDuringReplay: true },
    },
    runMetrics: { converged: { fn: () => undefined, callDuringReplay: true } },
  };
}

interface RunningWorker {
  stop(): Promise<void>;
}

export function releaseOf(state: LineageState, name: string): ReleaseState | undefined {
  return state.releases.find(({ release }) => release.name === name);
}
