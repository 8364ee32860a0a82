import { describe, expect, it } from 'vitest';
import { isQueueName, queueClassOf, taskQueue, trainingTaskQueue } from '../../contracts/task-queues.ts';
import { lineageSpecSchema } from '../../contracts/lineage-spec.schema.ts';
import { SMALLEST_SPEC } from '../support/lineage-values.ts';

const parseQueue = (queue: unknown) =>
  lineageSpecSchema.safeParse({ ...SMALLEST_SPEC, finetune: { ...SMALLEST_SPEC.finetune, queue } });

describe('queues', () => {
  it.each(['control', 'io', 'cpu', 'gpu', 'evaluate'])('%s is one, and is its own class', (name) => {
    expect(isQueueName(name) && queueClassOf(name)).toBe(name);
  });

  it.each(['gpu-h100', 'gpu-h100-x4', 'gpu-0'])('%s is one for trainings', (name) => {
    expect(isQueueName(name) && [queueClassOf(name), taskQueue(name)]).toEqual(['gpu', `regraft-${name}`]);
    expect(parseQueue(name).success).toBe(true);
    expect(trainingTaskQueue(name)).toBe(`regraft-${name}`);
  });

  it.each(['', 'gpu-', 'gpu-H100', 'gpu--x', 'cpu-big', 'gpus', ` gpu`, `gpu-${'a'.repeat(41)}`])(
    '%j is none',
    (name) => {
      expect(isQueueName(name)).toBe(false);
      expect(parseQueue(name).success).toBe(false);
    },
  );

  it('for trainings is gpu where the spec names none', () => {
    expect(trainingTaskQueue(undefined)).toBe('regraft-gpu');
    expect(parseQueue('control').success).toBe(false);
  });
});
