import path from 'node:path';
import { findTemporal } from '../../client/connection.ts';
import { QUEUE_CLASSES, type QueueClass } from '../../contracts/task-queues.ts';
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
      help: `any of ${QUEUE_CLASSES.join(', ')}`,
      default: QUEUE_CLASSES.join(','),
    },
    'gpu-slots': { type: 'string', value: 'N', help: 'trainings at a time', default: '1' },
    store: {
      type: 'string',
      value: 'FOLDER',
      help: 'the store, shared by workers on several machines; HOME/store unless given',
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
    'regraft worker --queues gpu --gpu-slots 4',
    'regraft worker --queues gpu --home /scratch/regraft --store /shared/regraft/store',
    'regraft worker --queues control,io,cpu,evaluate',
  ],
  async run(context) {
    const { home, environment } = context;
    const wanted = {
      queues: parseQueues(textOption(context, 'queues')),
      gpuSlots: wholeNumber(context, 'gpu-slots', 1),
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
function parseQueues(value: string | undefined): readonly QueueClass[] {
  const names = new Set(
    String(value)
      .split(',')
      .map((name) => name.trim()),
  );
  return [...names].map((name) => {
    const queue = QUEUE_CLASSES.find((known) => known === name);
    if (queue !== undefined) return queue;
    throw new UsageError(`--queues names \`${name}\`; there are ${QUEUE_CLASSES.join(', ')}.`);
  });
}
