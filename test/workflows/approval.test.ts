import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ORDER, releaseOf, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

const MANUAL = { approval: 'manual' };
const EVE = { actor: 'eve', reason: 'answers in the wrong language' };

async function untilAsked(name: string, release: string): Promise<void> {
  await waitUntil(`${release} waits for approval`, async () => {
    const entry = releaseOf(await service.lineages.state(name), release);
    return entry?.arms[0]?.stage === 'approval';
  });
}

describe('a gate with approval', () => {
  it('lets a candidate go live once a person approves, and keeps who and why', async () => {
    const script = await service.create('approved', { gate: MANUAL });
    await service.observe('approved', 1);
    await untilAsked('approved', 'M1');
    expect((await service.lineages.state('approved')).published).toBeNull();
    expect(await service.lineages.approve('approved', 'M1', ORDER)).toEqual({ changed: true });
    expect(await service.lineages.approve('approved', 'M1', EVE)).toEqual({ changed: false });
    const { arms } = await service.until('approved', 'M1');
    expect(arms[0]!.result).toMatchObject({ approval: { decision: 'approved', ...ORDER } });
    expect(script.story('M1', 'iterative').slice(-3)).toEqual(['judgeCandidate', 'publishModel', 'recordRun']);
    expect((await service.lineages.state('approved')).published?.release).toBe('M1');
    expect(await service.lineages.approve('approved', 'M1', ORDER)).toEqual({ changed: false });
    await expect(service.lineages.reject('approved', 'M1', EVE)).rejects.toMatchObject({ code: 'APPROVAL_DECIDED' });
  });

  it('keeps a rejected candidate from going live and carries its Δ', async () => {
    const script = await service.create('rejected', { gate: MANUAL });
    await service.observe('rejected', 1, 2);
    await untilAsked('rejected', 'M1');
    await service.lineages.reject('rejected', 'M1', EVE);
    await untilAsked('rejected', 'M2');
    const state = await service.lineages.state('rejected');
    expect(releaseOf(state, 'M1')).toMatchObject({
      status: 'succeeded',
      arms: [{ result: { published: null, approval: { decision: 'rejected', ...EVE } } }],
    });
    expect(releaseOf(state, 'M2')!.arms[0]!.source).toMatchObject({ fromRelease: 'M1', steps: 100 });
    expect(script.of('publishModel')).toEqual([]);
    expect(state.log.at(-1)).toMatchObject({ ...EVE, what: 'reject M1' });
  });

  it.each([
    ['approve', 'approved', 'M1'],
    ['reject', 'rejected', null],
  ] as const)('does as declared when nobody decides in time: %s', async (otherwise, decision, live) => {
    const name = `timeout-${otherwise}`;
    await service.create(name, { gate: { approval: { timeout: '1s', otherwise } } });
    await service.observe(name, 1);
    const { arms } = await service.until(name, 'M1');
    const reason = 'nobody decided within 1s';
    expect(arms[0]!.result).toMatchObject({ approval: { decision, actor: 'regraft', reason } });
    expect((await service.lineages.state(name)).published?.release ?? null).toBe(live);
  });

  it('is not asked about a control arm, nor about a candidate that its gate rejected', async () => {
    const script = await service.create('unasked', { gate: MANUAL, controls: ['plain'] });
    script.instead.judgeCandidate = async (input) => ({
      ...(await script.usual.judgeCandidate(input)),
      decision: 'reject',
      sentence: 'rejected: as scripted',
    });
    await service.observe('unasked', 1);
    const { arms } = await service.until('unasked', 'M1');
    expect(arms[0]!.result).toMatchObject({ published: null, gateSentence: 'rejected: as scripted' });
    expect(arms[0]!.result!.approval).toBeUndefined();
  });

  it('refuses a decision that nobody asked for', async () => {
    await service.create('early', { gate: MANUAL });
    const training = service.holdTraining('early');
    await service.observe('early', 1);
    await training.untilRunning();
    await expect(service.lineages.approve('early', 'M1', ORDER)).rejects.toMatchObject({
      code: 'APPROVAL_NOT_AWAITED',
      message: expect.stringContaining('the release is running, in stage finetune') as string,
    });
    await expect(service.lineages.approve('early', 'M7', ORDER)).rejects.toMatchObject({ code: 'RELEASE_UNKNOWN' });
    await service.lineages.cancel('early', 'M1', ORDER);
    await service.until('early', 'M1');
  });

  it('is given up when a newer release supersedes the candidate, whose Δ is carried', async () => {
    await service.create('superseded', { gate: MANUAL, backlog: 'supersede' });
    await service.observe('superseded', 1);
    await untilAsked('superseded', 'M1');
    await service.observe('superseded', 2);
    await untilAsked('superseded', 'M2');
    const state = await service.lineages.state('superseded');
    expect(releaseOf(state, 'M1')).toMatchObject({
      status: 'superseded',
      arms: [{ result: { approval: { decision: 'superseded', reason: 'M2 has come' }, published: null } }],
    });
    expect(releaseOf(state, 'M2')!.arms[0]!.source).toMatchObject({ fromRelease: 'M1' });
  });
});
