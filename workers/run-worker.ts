import path from 'node:path';
import { NativeConnection, Runtime, Worker, type InjectedSinks, type WorkerOptions } from '@temporalio/worker';
import { createEvaluateActivities } from '../activities/evaluate.ts';
import { createModelActivities } from '../activities/model.ts';
import { createProbeActivities } from '../activities/probe.ts';
import { createPublishActivities } from '../activities/publish.ts';
import { createRecordActivities } from '../activities/record.ts';
import { createReleaseActivities } from '../activities/release.ts';
import { createTrainActivities } from '../activities/train.ts';
import { connectClient } from '../client/connection.ts';
import { createLineages } from '../client/lineages.ts';
import { queueClassOf, taskQueue, type QueueClass, type QueueName } from '../contracts/task-queues.ts';
import { LABELS } from '../metrics/labels.ts';
import { createMetrics, type Metrics } from '../metrics/registry.ts';
import type { LineageSinks } from '../workflows/sinks.ts';
import { versioningOf } from './build-version.ts';
import { createDeps, type Deps } from './deps.ts';
import { freePort } from './loopback-ports.ts';
import { startObservabilityServer } from './observability-server.ts';
import { maskingInterceptors } from './masking-interceptor.ts';
import { withSecrets } from './secret-paths.ts';
import { readSecrets } from './secrets.ts';
import type { WorkerSettings } from './settings.ts';
import { startSweep } from './sweep.ts';
import { createWorkerLogger } from './worker-logger.ts';
import { workflowBundle } from './workflow-bundle.ts';

/** How long a stopping worker waits for its activities; trainers are left running and adopted by the next one. */
const SHUTDOWN_FORCE_TIME = '20s';
/** How soon an activity learns that it was cancelled. */
const HEARTBEAT_THROTTLE = '2s';

export interface RunningWorker {
  readonly metricsUrl: string;
  /** Settles when the worker has stopped, by a signal or by `stop`. */
  readonly stopped: Promise<void>;
  stop(): void;
}

/**
 * A worker process: one Temporal Worker for each queue it serves, and /metrics with /healthz. `adapt` lets a caller
 * change the composed ports (tests make them fail on purpose). When it cannot start, nothing of it is left open.
 */
export async function startWorker(
  settings: WorkerSettings,
  adapt: (deps: Deps) => Deps = (deps) => deps,
): Promise<RunningWorker> {
  const opened: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closeOne of opened.reverse()) await closeOne();
  };
  try {
    const { workers, metricsUrl } = await openWorker(settings, adapt, opened);
    const running = Promise.all([...workers.values()].map((worker) => worker.run()));
    return {
      metricsUrl,
      stopped: running.then(close),
      stop: () => {
        for (const worker of workers.values()) if (worker.getState() === 'RUNNING') worker.shutdown();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Everything before the first task; `opened` collects how to close what was opened. */
async function openWorker(
  settings: WorkerSettings,
  adapt: (deps: Deps) => Deps,
  opened: (() => Promise<void>)[],
): Promise<{ readonly workers: ReadonlyMap<QueueName, Worker>; readonly metricsUrl: string }> {
  const corePort = await freePort();
  const metrics = createMetrics();
  const workers = new Map<QueueName, Worker>();
  // First, since it is what fails most easily: another program may have the port.
  const server = await startObservabilityServer({
    port: settings.metricsPort,
    metrics,
    coreUrl: `http://127.0.0.1:${String(corePort)}/metrics`,
    health: () => healthOf(settings.queues, workers),
  });
  opened.push(() => server.close());
  installRuntime(corePort);
  const client = await connectClient(settings.temporal);
  opened.push(() => client.connection.close());
  const secrets = await readSecrets(settings.environment);
  const connection = await NativeConnection.connect(settings.temporal.connectionOptions);
  opened.push(() => connection.close());
  const deps = adapt(withSecrets(await createDeps(settings, createLineages(client), metrics), secrets));
  for (const queue of settings.queues) {
    const own =
      queue === 'control'
        ? await workflowOptions(settings, metrics)
        : { ...activityOptions(queue, settings, deps), interceptors: maskingInterceptors(secrets) };
    workers.set(
      queue,
      await Worker.create({ connection, ...commonOptions(settings), taskQueue: taskQueue(queue), ...own }),
    );
  }
  const logger = createWorkerLogger();
  opened.push(
    startSweep(settings, (line) => {
      logger.warn(line);
    }),
  );
  return { workers, metricsUrl: server.url };
}

type OwnOptions = Omit<WorkerOptions, 'taskQueue'>;

function commonOptions({ temporal: { namespace, dataConverter } }: WorkerSettings): OwnOptions {
  return {
    namespace,
    ...(dataConverter !== undefined && { dataConverter }),
    shutdownForceTime: SHUTDOWN_FORCE_TIME,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
  };
}

async function workflowOptions({ home, temporal, build }: WorkerSettings, metrics: Metrics): Promise<OwnOptions> {
  const failureConverterPath = temporal.dataConverter?.failureConverterPath;
  const bundle = await workflowBundle(path.join(home, 'cache'), {
    failureConverterPath,
    versioned: build !== undefined,
  });
  return { workflowBundle: bundle, sinks: lineageSinks(metrics), ...versioningOf(build) };
}

function activityOptions(queue: QueueName, { gpuSlots }: WorkerSettings, deps: Deps): OwnOptions {
  const queueClass = queueClassOf(queue);
  return {
    activities: activitiesOf(queueClass, deps),
    ...(queueClass === 'gpu' && { maxConcurrentActivityTaskExecutions: gpuSlots }),
  };
}

function activitiesOf(queueClass: QueueClass, deps: Deps): object {
  switch (queueClass) {
    case 'control':
      return {};
    case 'io':
      return { ...createReleaseActivities(deps), ...createPublishActivities(deps), ...createRecordActivities(deps) };
    case 'cpu':
      return { ...createModelActivities(deps), ...createProbeActivities(deps) };
    case 'gpu':
      return createTrainActivities(deps);
    case 'evaluate':
      return createEvaluateActivities(deps);
  }
}

function lineageSinks(metrics: Metrics): InjectedSinks<LineageSinks> {
  return {
    lineageMetrics: {
      paused: {
        fn: (_info, lineage, paused) => {
          metrics.lineagePaused.set({ lineage }, paused ? 1 : 0);
        },
        callDuringReplay: true, // a restarted worker shows it again
      },
    },
    runMetrics: {
      converged: {
        fn: (_info, key, now) => {
          metrics.touch(key);
          for (const state of LABELS.state) metrics.convergenceState.set({ ...key, state }, state === now ? 1 : 0);
        },
        callDuringReplay: true,
      },
    },
  };
}

/** Names of Core's metrics as Prometheus has them everywhere else: seconds, and counters in _total. */
function installRuntime(corePort: number): void {
  Runtime.install({
    logger: createWorkerLogger(),
    telemetryOptions: {
      metrics: {
        prometheus: {
          bindAddress: `127.0.0.1:${String(corePort)}`,
          countersTotalSuffix: true,
          unitSuffix: true,
          useSecondsForDurations: true,
        },
      },
    },
  });
}

/** Well while every queue's worker runs; one that is still to come counts as starting. */
function healthOf(
  queues: readonly QueueName[],
  workers: ReadonlyMap<QueueName, Worker>,
): { readonly ok: boolean; readonly states: Readonly<Record<string, string>> } {
  const states = queues.map((queue) => [queue, workers.get(queue)?.getState() ?? 'STARTING'] as const);
  return { ok: states.every(([, state]) => state === 'RUNNING'), states: Object.fromEntries(states) };
}
