import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { connectClient, findTemporal, namesOwnServer } from '../../client/connection.ts';
import { freePort } from '../../workers/loopback-ports.ts';
import { temporaryFolder } from '../support/safetensors.ts';
import { startTemporal } from '../support/temporal-server.ts';

describe('where Temporal is', () => {
  it('is said by the environment, before any server that was left in the home folder', async () => {
    const home = await temporaryFolder();
    await writeFile(path.join(home, 'temporal.json'), JSON.stringify({ address: '127.0.0.1:1' }));
    const environment = { TEMPORAL_ADDRESS: 'temporal.example:7233', TEMPORAL_NAMESPACE: 'models' };
    expect(await findTemporal(home, environment)).toEqual({
      connectionOptions: { address: 'temporal.example:7233' },
      namespace: 'models',
      from: 'the TEMPORAL_* environment',
    });
  });

  it('has its key and its encryption from the environment too', async () => {
    const environment = { TEMPORAL_ADDRESS: 'temporal.example:7233', TEMPORAL_API_KEY: 'a key' };
    const { connectionOptions, namespace } = await findTemporal(await temporaryFolder(), environment);
    expect(connectionOptions).toMatchObject({
      address: 'temporal.example:7233',
      apiKey: 'a key',
      tls: expect.anything(),
    });
    expect(namespace).toBe('default');
  });

  it('is else what the embedded server left in the home folder', async () => {
    const home = await temporaryFolder();
    await writeFile(path.join(home, 'temporal.json'), JSON.stringify({ address: '127.0.0.1:4711', pid: 1 }));
    expect(await findTemporal(home, { TEMPORAL_ADDRESS: '' })).toEqual({
      connectionOptions: { address: '127.0.0.1:4711' },
      namespace: 'default',
      from: path.join(home, 'temporal.json'),
    });
  });

  it.each([
    ['there is no file', null],
    ['the file is torn', '{"address": "127.0'],
    ['the file names no address', '{"pid": 7}'],
  ])('is not known when %s', async (_, content) => {
    const home = await temporaryFolder();
    if (content !== null) await writeFile(path.join(home, 'temporal.json'), content);
    await expect(findTemporal(home, {})).rejects.toMatchObject({
      code: 'TEMPORAL_NOT_RUNNING',
      message: expect.stringContaining(
        `${path.join(home, 'temporal.json')} names none and TEMPORAL_ADDRESS is not set`,
      ),
    });
  });

  it('is of the user when an address or a profile is set, and not when they are empty', () => {
    expect(namesOwnServer({ TEMPORAL_ADDRESS: 'a:1' })).toBe(true);
    expect(namesOwnServer({ TEMPORAL_PROFILE: 'prod' })).toBe(true);
    expect(namesOwnServer({ TEMPORAL_ADDRESS: '', TEMPORAL_PROFILE: '' })).toBe(false);
    expect(namesOwnServer({})).toBe(false);
  });
});

describe('connecting', () => {
  it('gives a client that reaches the server', async () => {
    const env = await startTemporal();
    const client = await connectClient({
      connectionOptions: { address: env.address },
      namespace: env.namespace ?? 'default',
      from: 'this test',
    });
    expect((await client.workflow.count()).count).toBe(0);
    await client.connection.close();
    await env.teardown();
  });

  it('to where nothing listens ends with the address, who named it, and what to do', async () => {
    const address = `127.0.0.1:${String(await freePort())}`;
    const target = { connectionOptions: { address }, namespace: 'default', from: 'this test' };
    await expect(connectClient(target)).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      retryable: true,
      message: expect.stringMatching(
        new RegExp(`^Temporal at ${address} \\(from this test\\) does not answer: .*regraft up`),
      ),
    });
  });
});
