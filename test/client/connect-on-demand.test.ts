import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectOnDemand } from '../../client/connect-on-demand.ts';
import type { TemporalTarget } from '../../client/connection.ts';
import { freePort } from '../../workers/loopback-ports.ts';
import { startTemporal } from '../support/temporal-server.ts';

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await startTemporal();
});
afterAll(() => env.teardown());

function targetAt(host: string, port = env.address.split(':').at(-1) ?? ''): TemporalTarget {
  return { connectionOptions: { address: `${host}:${port}` }, namespace: env.namespace ?? 'default', from: 'the test' };
}

describe('a connection on demand', () => {
  it('is made once for as long as the server stays where it is, also when several ask at once', async () => {
    const temporal = connectOnDemand(() => Promise.resolve(targetAt('127.0.0.1')));
    const [first, second] = await Promise.all([temporal.client(), temporal.client()]);
    expect(second).toBe(first);
    expect(await temporal.client()).toBe(first);
    await temporal.close();
  });

  it('is made anew where the server has moved to, and the old one is closed', async () => {
    let host = '127.0.0.1';
    const temporal = connectOnDemand(() => Promise.resolve(targetAt(host)));
    const first = await temporal.client();
    host = 'localhost';
    const second = await temporal.client();
    expect(second).not.toBe(first);
    await expect(first.workflowService.getSystemInfo({})).rejects.toThrow(/closed|shut/i);
    await second.workflowService.getSystemInfo({});
    await temporal.close();
  });

  it('is tried again after it could not be made', async () => {
    const nobody = targetAt('127.0.0.1', String(await freePort()));
    const targets = [nobody, targetAt('127.0.0.1')];
    const temporal = connectOnDemand(() => Promise.resolve(targets.shift() ?? nobody));
    await expect(temporal.client()).rejects.toMatchObject({ code: 'TEMPORAL_UNREACHABLE' });
    await (await temporal.client()).workflowService.getSystemInfo({});
    await temporal.close();
  });
});
