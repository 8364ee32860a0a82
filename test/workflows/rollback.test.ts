import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

/** A lineage whose M1 … Mn went live one after the other. */
async function createLive(name: string, count: number): Promise<ReturnType<Service['create']>> {
  const script = await service.create(name, { publish: [{ folder: '/live' }] });
  await service.observe(name, ...Array.from({ length: count }, (_, index) => index + 1));
  await service.until(name, `M${String(count)}`);
  return script;
}

describe('a rollback', () => {
  it('makes what was live before live again, once, with who and why, and forward again', async () => {
    const script = await createLive('back', 3);
    const { publications, published: newest } = await service.lineages.state('back');
    expect(publications?.map(({ release }) => release)).toEqual(['M1', 'M2', 'M3']);
    expect(await service.lineages.rollback('back', null, ORDER)).toEqual({ changed: true, live: 'M2' });
    expect(await service.lineages.rollback('back', null, ORDER)).toEqual({ changed: false, live: 'M2' });
    const state = await service.lineages.state('back');
    expect(state.published).toEqual(publications?.[1]);
    expect(state.log.at(-1)).toMatchObject({ ...ORDER, what: 'rollback M3 to M2' });
    expect(await service.lineages.rollback('back', 'M1', ORDER)).toEqual({ changed: true, live: 'M1' });
    expect(await service.lineages.rollback('back', 'M3', ORDER)).toEqual({ changed: true, live: 'M3' });
    expect((await service.lineages.state('back')).published).toEqual(newest);
    expect(script.of('rollBack')).toHaveLength(3);
  });

  it('is what the next release is judged against, and the next release goes live over it', async () => {
    const script = await createLive('judged', 2);
    await service.lineages.rollback('judged', null, ORDER);
    const against: unknown[] = [];
    script.instead.judgeCandidate = async (input) => {
      against.push(...input.references.flatMap((reference) => ('release' in reference ? reference.release : [])));
      return script.usual.judgeCandidate(input);
    };
    const { spec } = await service.lineages.state('judged');
    const gate = { against: 'published', nonInferior: {}, superior: {}, floors: {}, negativeFlips: {} } as const;
    await service.lineages.apply({ ...spec, gate: { ...gate, alpha: 0.05, power: 0.8 } }, ORDER);
    await service.observe('judged', 3);
    await service.until('judged', 'M3');
    expect(against).toEqual(['M1']);
    expect((await service.lineages.state('judged')).published?.release).toBe('M3');
  });

  it('lets a candidate that waits for approval be judged again, by what is live then', async () => {
    const script = await service.create('waiting', {
      gate: { approval: 'manual', nonInferior: { sums: 0.1 } },
      publish: [{ folder: '/live' }],
    });
    const untilAsked = (release: string): Promise<unknown> =>
      waitUntil(`${release} waits`, async () => {
        const { releases } = await service.lineages.state('waiting');
        return releases.some(({ release: { name }, arms }) => name === release && arms[0]?.stage === 'approval');
      });
    for (const number of [1, 2]) {
      await service.observe('waiting', number);
      await untilAsked(`M${String(number)}`);
      await service.lineages.approve('waiting', `M${String(number)}`, ORDER);
      await service.until('waiting', `M${String(number)}`, 'succeeded');
    }
    const against: unknown[] = [];
    script.instead.judgeCandidate = async (input) => {
      against.push(...input.references.flatMap((reference) => ('release' in reference ? reference.release : [])));
      return script.usual.judgeCandidate(input);
    };
    const replaced: unknown[] = [];
    script.instead.publishModel = async (input) => {
      replaced.push(input.published?.release);
      return script.usual.publishModel(input);
    };
    await service.observe('waiting', 3);
    await untilAsked('M3');
    await service.lineages.rollback('waiting', null, ORDER);
    await service.lineages.approve('waiting', 'M3', ORDER);
    expect((await service.until('waiting', 'M3')).status).toBe('succeeded');
    expect([against, replaced]).toEqual([['M2', 'M1'], ['M1']]);
    expect((await service.lineages.state('waiting')).published?.release).toBe('M3');
  });

  it('is refused where there is nothing to go back to, and leaves no trace', async () => {
    await service.create('nothing');
    const refused = { code: 'ROLLBACK_IMPOSSIBLE' };
    await expect(service.lineages.rollback('nothing', null, ORDER)).rejects.toMatchObject(refused);
    await service.observe('nothing', 1);
    await service.until('nothing', 'M1');
    await expect(service.lineages.rollback('nothing', null, ORDER)).rejects.toMatchObject(refused);
    await expect(service.lineages.rollback('nothing', 'M9', ORDER)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('what it can be rolled back to: M1') as string,
    });
    expect((await service.lineages.state('nothing')).log.map(({ what }) => what)).toEqual(['create']);
  });

  it('that cannot be carried out changes nothing and says why', async () => {
    const script = await createLive('conflict', 2);
    script.instead.rollBack = async () => {
      throw failure('ROLLBACK_CONFLICT', { retryable: false });
    };
    await expect(service.lineages.rollback('conflict', null, ORDER)).rejects.toMatchObject({
      code: 'ROLLBACK_CONFLICT',
    });
    expect((await service.lineages.state('conflict')).published?.release).toBe('M2');
  });
});

describe('a restart', () => {
  it('lets the next release start from the base, and those after it from that one’s Δ', async () => {
    await createLive('restart', 2);
    expect(await service.lineages.restart('restart', ORDER)).toEqual({ changed: true });
    expect(await service.lineages.restart('restart', ORDER)).toEqual({ changed: false });
    await service.observe('restart', 3, 4);
    await service.until('restart', 'M4');
    const { releases } = await service.lineages.state('restart');
    const [third, fourth] = releases.slice(2).map(({ arms }) => arms[0]!);
    expect(third).toMatchObject({ source: null, result: { startModelDigest: digestOf('M3'), stepsInDelta: 100 } });
    expect(third!.sourceReason).toContain('ada asked for a restart (a test says so)');
    expect(fourth!.source).toMatchObject({ fromRelease: 'M3', steps: 100 });
  });
});
