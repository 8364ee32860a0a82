import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../contracts/search-attributes.ts';
import { digestOf } from '../support/lineage-values.ts';
import { failure } from '../support/scripted-work.ts';
import { ORDER, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

describe('a transfer', () => {
  it('adds the Δ of a newer release to an older one, beside the releases, and is neither judged nor live', async () => {
    const script = await service.create('backport', { publish: [{ folder: '/live' }] });
    await service.observe('backport', 1, 2, 3);
    const newest = await service.until('backport', 'M3');
    const before = await service.lineages.state('backport');
    const asked = { from: 'M3', onto: { release: 'M1' }, trains: false } as const;
    const ended = await service.lineages.transfer('backport', asked, ORDER);
    const { deltaDigest } = newest.arms[0]!.result!;
    expect(ended).toMatchObject({
      ...{ label: 'M1+ΔM3', status: 'succeeded', failure: null, order: { ...ORDER, what: 'transfer M1+ΔM3' } },
      result: { startModelDigest: digestOf(`${digestOf('M1')} + ${deltaDigest}`), published: null, best: { step: 0 } },
    });
    expect(script.story('M1+ΔM3', 'transfer-only')).toEqual([
      ...['inspectRelease', 'recycleModel', 'evaluateModel 0', 'recordRun'],
    ]);
    const after = await service.lineages.state('backport');
    expect([after.published, after.releases]).toEqual([before.published, before.releases]);
    expect(after.transfers).toEqual([ended]);
  });

  it('onto any base pins that base first, and trains where that is asked for', async () => {
    const script = await service.create('elsewhere');
    await service.observe('elsewhere', 1);
    await service.until('elsewhere', 'M1');
    const { family } = (await service.lineages.state('elsewhere')).spec;
    const asked = { from: 'M1', onto: { family, name: 'other' }, trains: true };
    const ended = await service.lineages.transfer('elsewhere', asked, ORDER);
    expect(ended.label).toMatch(/^other@[0-9a-f]{12}\+ΔM1$/);
    expect(ended.result).toMatchObject({ best: { step: 100 }, stepsInDelta: 200, published: null });
    expect(script.of('pinRelease').at(-1)!.release).toMatch(/^other of 20/);
  });

  it('ordered twice at once is one run, and a cancelled one says so', async () => {
    const script = await service.create('twice');
    await service.observe('twice', 1, 2);
    await service.until('twice', 'M2');
    script.instead.recycleModel = async (input) => {
      if (input.key.release !== 'M1+ΔM2') return script.usual.recycleModel(input);
      throw failure('STORE_BUSY', { retryable: true });
    };
    const asked = { from: 'M2', onto: { release: 'M1' }, trains: false } as const;
    const both = Promise.all([
      service.lineages.transfer('twice', asked, ORDER),
      service.lineages.transfer('twice', asked, ORDER),
    ]);
    await waitUntil('it recycles', async () => script.story('M1+ΔM2', 'transfer-only').includes('recycleModel'));
    expect(await service.lineages.cancel('twice', 'M1+ΔM2', ORDER)).toEqual({ changed: true });
    const [first, second] = await both;
    expect(first).toMatchObject({ status: 'cancelled', result: null });
    expect(second).toEqual(first);
    expect(script.story('M1+ΔM2', 'transfer-only').filter((what) => what === 'inspectRelease')).toHaveLength(1);
    expect(await service.lineages.cancel('twice', 'M1+ΔM2', ORDER)).toEqual({ changed: false });
  });

  it('is refused without a Δ to add or a base that is known', async () => {
    await service.create('refused');
    await service.observe('refused', 1);
    await service.until('refused', 'M1');
    const transfer = (from: string, release: string) =>
      service.lineages.transfer('refused', { from, onto: { release }, trains: false }, ORDER);
    await expect(transfer('M7', 'M1')).rejects.toMatchObject({
      code: 'TRANSFER_NO_DELTA',
      message: 'Lineage refused has no Δ of M7 at hand; it has those of M1.',
    });
    await expect(transfer('M1', 'M7')).rejects.toMatchObject({ code: 'RELEASE_UNKNOWN' });
  });
});

describe('Temporal’s own list', () => {
  it('finds a lineage and its runs by lineage, release, arm and state', async () => {
    await service.create('found', { controls: ['plain'], publish: [{ folder: '/live' }] });
    await service.observe('found', 1, 2);
    await service.until('found', 'M2');
    const { lineage, release, arm, state } = SEARCH_ATTRIBUTES;
    const find = async (query: string): Promise<readonly string[]> => {
      const ids: string[] = [];
      const all = `${lineage} = 'found' AND ${query}`;
      for await (const { workflowId } of service.env.client.workflow.list({ query: all })) ids.push(workflowId);
      return ids.sort();
    };
    await waitUntil('the list is up to date', async () => (await find(`${state} = 'idle'`)).length === 1);
    expect(await find(`${state} = 'idle'`)).toEqual(['lineage/found']);
    expect(await find(`${release} = 'M2' AND ${arm} = 'plain'`)).toEqual(['lineage/found/run/M2/plain']);
    expect(await find(`${state} = 'live'`)).toEqual([
      'lineage/found/run/M1/iterative',
      'lineage/found/run/M2/iterative',
    ]);
    const described = await service.env.client.workflow.getHandle('lineage/found/run/M2/iterative').describe();
    expect(described.memo).toEqual({ release: 'M2', arm: 'iterative', source: 'M1' });
    expect(await described.staticSummary()).toBe('M2, arm iterative: with Δ of M1');
    expect(described.priority).toMatchObject({ fairnessKey: 'found' });
  });
});
