import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { releaseOf, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

let service: Service;
beforeAll(async () => {
  // One partition: with more, each is ordered by itself.
  service = await Service.start(
    await startTemporal({
      'matching.enableFairness': true,
      'matching.numTaskqueueReadPartitions': 1,
      'matching.numTaskqueueWritePartitions': 1,
    }),
  );
});
afterAll(() => service.stop());
beforeEach(() => service.stopQueue('gpu'));

/** Lineages that share a queue for trainings with one slot; returns their names in the order in which they trained. */
async function orderOfTrainings(
  lineages: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Promise<readonly string[]> {
  const names = Object.keys(lineages);
  const order: string[] = [];
  for (const [name, fields] of Object.entries(lineages)) {
    const script = await service.create(name, fields);
    script.instead.finetuneModel = (input) => {
      order.push(name);
      return script.usual.finetuneModel(input);
    };
    await service.observe(name, 1);
    await waitUntil(`${name} waits for a slot`, async () => {
      const entry = releaseOf(await service.lineages.state(name), 'M1');
      return entry?.arms[0]?.stage === 'finetune';
    });
    await service.untilQuiet(`lineage/${name}/run/M1/iterative`, 'finetuneModel');
  }
  await service.startQueue('gpu', 1);
  for (const name of names) await service.until(name, 'M1');
  return order;
}

describe('lineages that wait for the same slot', () => {
  it('are served by priority, whoever came first', async () => {
    const order = await orderOfTrainings({
      last: { priority: 5 },
      usual: {},
      first: { priority: 1 },
      also: { priority: 3 },
    });
    expect(order[0]).toBe('first');
    expect([...order.slice(1, 3)].sort()).toEqual(['also', 'usual']);
    expect(order[3]).toBe('last');
  });

  it('take turns by team: many of one do not keep one of another waiting', async () => {
    const crowd = Object.fromEntries([1, 2, 3, 4, 5].map((number) => [`crowd-${String(number)}`, { team: 'crowd' }]));
    const order = await orderOfTrainings({ ...crowd, single: { team: 'single' } });
    expect(order.indexOf('single')).toBeLessThanOrEqual(1);
    expect(order).toHaveLength(6);
  });
});
