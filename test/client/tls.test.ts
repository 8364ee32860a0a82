import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient, findTemporal } from '../../client/connection.ts';
import { makeAuthority, makeCertificate, type Certificate } from '../support/certificates.ts';
import { startGrpcProxy, type GrpcProxy } from '../support/grpc-proxy.ts';
import { startTemporal } from '../support/temporal-server.ts';

const API_KEY = 'an api key of the test';

let folder: string;
let env: TestWorkflowEnvironment;
let proxy: GrpcProxy;
let authority: Certificate;
let stranger: Certificate;
let mine: Certificate;
let strangers: Certificate;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'regraft-tls-'));
  env = await startTemporal();
  authority = await makeAuthority(folder, 'authority');
  stranger = await makeAuthority(folder, 'stranger');
  const certificate = await makeCertificate(folder, 'server', authority);
  mine = await makeCertificate(folder, 'client', authority);
  strangers = await makeCertificate(folder, 'strangers-client', stranger);
  proxy = await startGrpcProxy({ backend: env.address, certificate, clients: authority, apiKey: API_KEY });
});
afterAll(async () => {
  await proxy.close();
  await env.teardown();
  await rm(folder, { recursive: true });
});

/** The environment of somebody who has set everything right; fields given override. */
function environment(fields: Readonly<Record<string, string | undefined>> = {}): Record<string, string | undefined> {
  return {
    TEMPORAL_ADDRESS: `localhost:${String(proxy.port)}`,
    TEMPORAL_NAMESPACE: env.namespace ?? 'default',
    TEMPORAL_API_KEY: API_KEY,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.crt,
    TEMPORAL_TLS_CLIENT_CERT_PATH: mine.crt,
    TEMPORAL_TLS_CLIENT_KEY_PATH: mine.key,
    ...fields,
  };
}

async function connect(fields: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
  const client = await connectClient(await findTemporal(folder, environment(fields)));
  await client.connection.close();
}

describe('a server behind TLS that asks for a certificate and a key', () => {
  it('is reached by a client and by a worker with the settings of the environment', async () => {
    const target = await findTemporal(folder, environment());
    const client = await connectClient(target);
    expect((await client.workflow.count()).count).toBe(0);
    await client.connection.close();
    const worker = await NativeConnection.connect(target.connectionOptions);
    await worker.workflowService.describeNamespace({ namespace: target.namespace });
    await worker.close();
    expect([...proxy.authorizations]).toEqual([`Bearer ${API_KEY}`]);
  });

  it('whose certificate another authority has made is not trusted, and the sentence says what to correct', async () => {
    await expect(connect({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: stranger.crt })).rejects.toMatchObject({
      code: 'TEMPORAL_TLS_FAILED',
      retryable: false,
      message: expect.stringMatching(
        /^Temporal at localhost:\d+ \(from the TEMPORAL_\* environment\) was reached, and TLS with it fails: .*certificate.* \([A-Z_]+\); expected a server's certificate that TEMPORAL_TLS_SERVER_CA_CERT_PATH vouches for, and a client's that the server takes: correct TEMPORAL_TLS_\*\.$/,
      ),
    });
  });

  it.each([
    ['without a client certificate', () => undefined],
    ["with somebody else's client certificate", () => strangers],
  ])('does not let in who comes %s', async (_, with_) => {
    const certificate = with_();
    const fields = {
      TEMPORAL_TLS_CLIENT_CERT_PATH: certificate?.crt,
      TEMPORAL_TLS_CLIENT_KEY_PATH: certificate?.key,
    };
    await expect(connect(fields)).rejects.toMatchObject({ code: 'TEMPORAL_TLS_FAILED' });
  });

  it('does not let in who has another key', async () => {
    await expect(connect({ TEMPORAL_API_KEY: 'another' })).rejects.toMatchObject({
      code: 'TEMPORAL_REFUSED',
      message: `Temporal at localhost:${String(proxy.port)} (from the TEMPORAL_* environment) does not let this client in: UNAUTHENTICATED, no such key; check TEMPORAL_API_KEY, the client certificate and TEMPORAL_NAMESPACE.`,
    });
  });

  it('is not taken for one of another name', async () => {
    await expect(connect({ TEMPORAL_TLS_SERVER_NAME: 'temporal.example' })).rejects.toMatchObject({
      code: 'TEMPORAL_TLS_FAILED',
      message: expect.stringContaining('temporal.example'),
    });
  });
});

it('a certificate file that is not there is named', async () => {
  const fields = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.crt' };
  await expect(findTemporal(folder, environment(fields))).rejects.toMatchObject({
    code: 'TEMPORAL_CONFIG_INVALID',
    message: expect.stringContaining('/nowhere/ca.crt'),
  });
});
