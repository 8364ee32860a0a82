import path from 'node:path';
import { findTemporal } from '../../client/connection.ts';
import { isQueueName, QUEUE_CLASSES, type QueueName } from '../../contracts/task-queues.ts';
import { UsageError, type Command } from '../command.ts';
import { LAST_PORT, wholeNumber } from '../numbers.ts';
import { textOption } from '../text-option.ts';

export const worker: Command = {
  name: 'worker',
  summary: 'Run one worker process for some queues; any machine that reaches Temporal and the store can join',
  positionals: [],
  options: {
    queues: {
      type: 'string',
      value: 'A,B',
      help: `any of ${QUEUE_CLASSES.join(', ')}, or gpu-SHAPE for one kind of machine`,
      default: QUEUE_CLASSES.join(','),
    },
    slots: { type: 'string', value: 'N', help: 'trainings at a time on each gpu queue', default: '1' },
    store: {
      type: 'string',
      value: 'FOLDER',
      help: 'the store, shared by workers on several machines; HOME/store unless given',
    },
    'build-id': {
      type: 'string',
      value: 'ID',
      help: 'serve workflows as this build: it gets work once it is made current in Temporal',
    },
    deployment: {
      type: 'string',
      value: 'NAME',
      help: 'what all builds of this installation are called together',
      default: 'regraft',
    },
    'metrics-port': {
      type: 'string',
      value: 'PORT',
      help: 'port of /metrics and /healthz; 0 takes a free one',
      default: '0',
    },
  },
  examples: [
    'regraft worker',
    'regraft worker --queues gpu-h100 --slots 2',
    'regraft worker --queues gpu --home /scratch/regraft --store /shared/regraft/store',
    'regraft worker --queues control,io,cpu,evaluate',
    'regraft worker --queues control --build-id 2026-05-01.1',
  ],
  async run(context) {
    const { home, environment } = context;
    const buildId = textOption(context, 'build-id');
    const wanted = {
      queues: parseQueues(textOption(context, 'queues')),
      gpuSlots: wholeNumber(context, 'slots', 1),
      ...(buildId !== undefined && { build: { deployment: textOption(context, 'deployment') ?? 'regraft', buildId } }),
      metricsPort: wholeNumber(context, 'metrics-port', 0, LAST_PORT),
    };
    const [{ startWorker }, { findGpus, findPython }] = await Promise.all([
      import('../../workers/run-worker.ts'),
      import('../../workers/settings.ts'),
    ]);
    const running = await startWorker({
      home,
      environment,
      temporal: await findTemporal(home, environment),
      ...wanted,
      store: path.resolve(textOption(context, 'store') ?? path.join(home, 'store')),
      gpus: await findGpus(environment),
      python: findPython(environment),
    });
    process.once('disconnect', () => {
      running.stop(); // the `regraft up` that started this worker is gone
    });
    if (process.send === undefined)
      context.say(`Worker ${String(process.pid)} runs; metrics at ${running.metricsUrl}/metrics`);
    else process.send({ metricsUrl: running.metricsUrl });
    await running.stopped;
    if (process.connected) process.disconnect();
  },
};

/** The queues that a comma-separated list names, each once. */
function parseQueues(value: string | undefined): readonly QueueName[] {
  const names = new Set(
    String(value)
      .split(',')
      .map((name) => name.trim()),
  );
  return [...names].map((name) => {
    if (isQueueName(name)) return name;
    throw new UsageError(`--queues names \`${name}\`; there are ${QUEUE_CLASSES.join(', ')}, and gpu-SHAPE.`);
  });
}
