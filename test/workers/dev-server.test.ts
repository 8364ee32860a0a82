import { readdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectClient } from '../../client/connection.ts';
import { startDevServer, type DevServer } from '../../workers/dev-server.ts';
import { killTemporalServer } from '../support/kill-temporal-server.ts';
import { killProcessesOf, processesOf } from '../support/processes-of.ts';
import { temporaryFolder } from '../support/safetensors.ts';
import { waitAtLength } from '../support/wait-at-length.ts';

const AT_LENGTH_MS = 240_000;
const { PATH, HOME } = process.env;
const ENVIRONMENT = { PATH, HOME };

/** A server whose processes are ended when the test is over. */
async function start(home: string, options: Parameters<typeof startDevServer>[2] = {}): Promise<DevServer> {
  onTestFinished(() => killProcessesOf(home));
  return startDevServer(home, ENVIRONMENT, options);
}

const recordOf = async (home: string): Promise<{ readonly pid: number; readonly port: number }> =>
  JSON.parse(await readFile(path.join(home, 'temporal.json'), 'utf8')) as { pid: number; port: number };

/** Ends the server in the hardest way and waits until it has ended. */
async function kill(home: string, server: DevServer): Promise<void> {
  await killTemporalServer(home);
  await server.ended;
}

/** Does something with a client of the server. */
async function withClient<Answer>(
  { address }: DevServer,
  work: (client: Awaited<ReturnType<typeof connectClient>>) => Promise<Answer>,
): Promise<Answer> {
  const client = await connectClient({ connectionOptions: { address }, namespace: 'default', from: 'the test' });
  try {
    return await client.withDeadline(Date.now() + 60_000, () => work(client));
  } finally {
    await client.connection.close();
  }
}

const startWorkflow = (server: DevServer): Promise<unknown> =>
  withClient(server, (client) => client.workflow.start('nobody', { taskQueue: 'none', workflowId: 'kept', args: [] }));

const workflowStatus = (server: DevServer): Promise<string> =>
  withClient(server, async (client) => (await client.workflow.getHandle('kept').describe()).status.name);

/** Something of somebody else's on a port of 127.0.0.1. */
async function occupy(port: number): Promise<void> {
  const squatter = net.createServer();
  await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void squatter.close());
}

describe("Temporal's dev server", () => {
  it(
    'answers on loopback, with its own page, and says in the home folder where it is',
    async () => {
      const home = path.join(await temporaryFolder(), 'home');
      const server = await start(home);
      expect(server.adopted).toBe(false);
      expect(server.address).toMatch(/^127\.0\.0\.1:\d+$/);
      expect((await fetch(server.uiUrl)).status).toBe(200);
      const { pid } = await recordOf(home);
      expect(await recordOf(home)).toMatchObject({ address: server.address });
      expect(await processesOf(path.join(home, 'temporal.sqlite'))).toEqual([pid]);
      expect(server.pid).toBe(pid);
      expect(await readdir(home)).toContain('temporal.sqlite-wal'); // without it every step waits several times as long
      await server.stop();
      await server.ended;
      expect(await processesOf(home)).toEqual([]);
      await server.stop(); // again: nothing to do
    },
    AT_LENGTH_MS,
  );

  it(
    'keeps its address and what runs on it over a kill -9',
    async () => {
      const home = await temporaryFolder();
      const first = await start(home);
      await startWorkflow(first);
      await kill(home, first);
      const second = await start(home);
      expect(second.adopted).toBe(false);
      expect(second.address).toBe(first.address);
      expect(second.uiUrl).toBe(first.uiUrl);
      expect(await workflowStatus(second)).toBe('RUNNING');
    },
    AT_LENGTH_MS,
  );

  it(
    'moves to another port where somebody else has taken the old one meanwhile',
    async () => {
      const home = await temporaryFolder();
      const first = await start(home);
      await startWorkflow(first);
      await kill(home, first);
      await occupy(Number(first.address.split(':')[1]));
      const second = await start(home);
      expect(second.address).not.toBe(first.address);
      expect(await workflowStatus(second)).toBe('RUNNING');
      expect(await recordOf(home)).toMatchObject({ address: second.address });
    },
    AT_LENGTH_MS,
  );

  it(
    'that still runs is taken over, and its end is noticed though it is nobody’s child',
    async () => {
      const home = await temporaryFolder();
      const first = await start(home);
      const { pid } = await recordOf(home);
      const second = await start(home);
      expect(second).toMatchObject({ adopted: true, address: first.address, uiUrl: first.uiUrl });
      expect(await processesOf(home)).toEqual([pid]);
      await kill(home, second);
      expect(await processesOf(home)).toEqual([]);
    },
    AT_LENGTH_MS,
  );

  it(
    'that still runs can be stopped by the one that took it over',
    async () => {
      const home = await temporaryFolder();
      const first = await start(home);
      await (await start(home)).stop();
      await first.ended;
      expect(await processesOf(home)).toEqual([]);
    },
    AT_LENGTH_MS,
  );

  it(
    'that still runs and does not answer is ended, for two cannot share the state, and started again',
    async () => {
      const home = await temporaryFolder();
      const first = await start(home);
      await startWorkflow(first);
      process.kill((await recordOf(home)).pid, 'SIGSTOP');
      const second = await start(home, { adoptTimeoutMs: 1 });
      await first.ended;
      expect(second).toMatchObject({ adopted: false, address: first.address });
      expect(await workflowStatus(second)).toBe('RUNNING');
    },
    AT_LENGTH_MS,
  );

  it(
    'that another process’ number belongs to now is not taken over',
    async () => {
      const home = await temporaryFolder();
      const first = await start(home);
      const record = await recordOf(home);
      await kill(home, first);
      await writeFile(path.join(home, 'temporal.json'), JSON.stringify({ ...record, pid: process.pid }));
      const second = await start(home);
      expect(second).toMatchObject({ adopted: false, address: first.address });
    },
    AT_LENGTH_MS,
  );

  it(
    'that cannot start says where to look, and leaves nothing running',
    async () => {
      const home = await temporaryFolder();
      await writeFile(path.join(home, 'temporal.sqlite'), 'this is no database');
      await expect(start(home)).rejects.toMatchObject({
        code: 'TEMPORAL_START_FAILED',
        retryable: true,
        message: `Temporal's dev server did not start: it ended (exit code 1); see ${path.join(home, 'temporal.log')}.`,
      });
      expect(await readFile(path.join(home, 'temporal.log'), 'utf8')).toContain('database');
      expect(await processesOf(home)).toEqual([]);
    },
    AT_LENGTH_MS,
  );

  it(
    'that is told to stop while it starts leaves nothing running',
    async () => {
      const home = await temporaryFolder();
      const stopping = new AbortController();
      const starting = start(home, { signal: stopping.signal });
      const refused = expect(starting).rejects.toThrow('it was told to stop');
      await waitAtLength('its process runs', async () => (await processesOf(home)).length > 0);
      stopping.abort();
      await refused;
      expect(await processesOf(home)).toEqual([]);
    },
    AT_LENGTH_MS,
  );
});
