import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../workers/loopback-ports.ts';
import { writePrivate } from '../support/codec-keys.ts';
import type { Script } from '../support/scripted-work.ts';
import { ORDER, quietSpec, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitAtLength } from '../support/wait-at-length.ts';
import { DELIVERY, SECRET } from './delivery.ts';
import { startReceiverProcess, type ReceiverProcess } from './receiver-process.ts';

vi.setConfig({ testTimeout: 4 * 60_000 }); // longer than a wait, so that one in vain says what for

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

const receivers: ReceiverProcess[] = [];
afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.end('SIGKILL')));
});

async function startReceiver(address?: string): Promise<ReceiverProcess> {
  const secretFile = await writePrivate('secret', `${SECRET}\n`);
  const { connection } = service.env;
  const receiver = await startReceiverProcess(
    {
      TEMPORAL_ADDRESS: address ?? connection.options.address,
      TEMPORAL_NAMESPACE: service.env.namespace ?? 'default',
      REGRAFT_WEBHOOK_SECRET_FILE: secretFile,
    },
    ...['--port', '0', '--home', path.dirname(secretFile)],
  );
  receivers.push(receiver);
  return receiver;
}

/** A lineage over a repo, which looks by itself once a day; its first look, which finds nothing, is over. */
async function createLineage(name: string, repo: string): Promise<Script> {
  const family = { hub: repo, revisions: 'M{release}', order: ['release'], pollEvery: '24h' };
  await service.lineages.apply(quietSpec(name, { family }), ORDER);
  const script = service.work.script(name);
  await waitAtLength('the first look is over', async () => script.of('findReleases').length === 1);
  await waitAtLength('the Schedule is listed', async () => {
    for await (const { scheduleId } of service.env.client.schedule.list())
      if (scheduleId === `watch/${name}`) return true;
    return false;
  });
  return script;
}

async function deliver(
  { url }: ReceiverProcess,
  repo: string,
  { secret = SECRET, sha = 'a'.repeat(40) }: { readonly secret?: string; readonly sha?: string } = {},
): Promise<number> {
  const body = { ...DELIVERY, repo: { ...DELIVERY.repo, name: repo } };
  const updatedRefs = [{ ref: 'refs/heads/M1', oldSha: null, newSha: sha }];
  const headers = { 'X-Webhook-Secret': secret, 'Content-Type': 'application/json' };
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ ...body, updatedRefs }) })).status;
}

async function releasesOf(name: string): Promise<readonly string[]> {
  return (await service.lineages.state(name)).releases.map(({ release }) => release.name);
}

/** Looks under way or done that were not the Schedule's first. */
async function untilLooked(script: Script, times: number): Promise<void> {
  await waitAtLength('it has looked again', async () => script.of('findReleases').length === 1 + times);
}

describe('regraft receive', () => {
  it('brings a release to its lineage long before the next look of the Schedule', async () => {
    const script = await createLineage('told', 'acme/told');
    const receiver = await startReceiver();
    script.source = ['M1'];
    expect(await deliver(receiver, 'acme/told')).toBe(202);
    await waitAtLength('M1 is taken in', async () => (await releasesOf('told')).includes('M1'));
    expect(await deliver(receiver, 'acme/told')).toBe(200);
    expect(script.of('findReleases')).toHaveLength(2);
  });

  it('makes nothing happen for one who does not know the secret', async () => {
    const script = await createLineage('guarded', 'acme/guarded');
    const receiver = await startReceiver();
    script.source = ['M1'];
    expect(await deliver(receiver, 'acme/guarded', { secret: 'another-secret-of-some-length' })).toBe(401);
    expect(await deliver(receiver, 'acme/guarded', { sha: 'b'.repeat(40) })).toBe(202);
    await untilLooked(script, 1); // the one look is that of the second delivery
    const { output, exitCode } = await receiver.end('SIGTERM');
    expect(exitCode).toBe(0);
    expect(output).toContain('Refused a delivery with another X-Webhook-Secret than this receiver.');
    expect(output).not.toMatch(/secret-of-some-length/);
  });

  it('takes nothing because a body says so: the source is asked, and does not have it', async () => {
    const script = await createLineage('doubting', 'acme/doubting');
    const receiver = await startReceiver();
    expect(await deliver(receiver, 'acme/doubting')).toBe(202);
    await untilLooked(script, 1);
    await service.untilQuiet(`watch/doubting/told/${await toldKey('doubting')}`);
    expect(await releasesOf('doubting')).toEqual([]);
  });

  it('has a look in the history before it answers: killed then, nothing is lost', async () => {
    const script = await createLineage('sturdy', 'acme/sturdy');
    const receiver = await startReceiver();
    script.source = ['M1'];
    await service.stopControl(); // nobody can look yet
    expect(await deliver(receiver, 'acme/sturdy')).toBe(202);
    await receiver.end('SIGKILL');
    await service.startControl();
    await waitAtLength('M1 is taken in', async () => (await releasesOf('sturdy')).includes('M1'));
  });

  it('asks to be told again while Temporal is away, and takes it once it is there', async () => {
    const port = await freePort();
    const receiver = await startReceiver(`127.0.0.1:${String(port)}`);
    expect(await deliver(receiver, 'acme/told')).toBe(503);
    const health = await fetch(receiver.url.replace('/hub', '/healthz'));
    expect(await health.json()).toEqual({ ok: true, answers: { '503': 1 } });
  });
});

/** The key of the one look that a lineage was told to take. */
async function toldKey(name: string): Promise<string> {
  const prefix = `watch/${name}/told/`;
  for (let tries = 0; tries < 100; tries += 1) {
    for await (const { workflowId } of service.env.client.workflow.list({ query: `WorkflowType = 'watchFamily'` })) {
      if (workflowId.startsWith(prefix)) return workflowId.slice(prefix.length);
    }
    await setTimeout(50);
  }
  throw new Error(`no look of ${name} was started`);
}
