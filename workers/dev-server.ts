import { spawn, type ChildProcess } from 'node:child_process';
import { access, constants, mkdir, open } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { isAlive, readProcessIdentity } from '../adapters/process/process-identity.ts';
import { writeFileAtomic } from '../adapters/store/atomic-file.ts';
import { readSmall } from '../adapters/trainer/trainer-folder.ts';
import { connectClient, SERVER_FILE } from '../client/connection.ts';
import { RegraftError } from '../contracts/error.ts';
import { freePort } from './observability-server.ts';
import { PROJECT_ROOT } from './settings.ts';

const READY_TIMEOUT_MS = 30_000;

const serverSchema = z.object({
  address: z.string(),
  port: z.int(),
  uiPort: z.int(),
  pid: z.int(),
  startTicks: z.int(),
  bootId: z.string(),
});

export interface DevServer {
  readonly address: string;
  /** Temporal's own web page. */
  readonly uiUrl: string;
  /** True when an earlier one was still running and was taken over. */
  readonly adopted: boolean;
  /** Settles when the server ends, for whatever reason. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Temporal's dev server with its state in `home/temporal.sqlite`, on loopback. Its address stays the same over restarts
 * where the port is still free, and is left in `home/temporal.json` for every other command. One that an ended process
 * left running is taken over. It runs in a process group of its own, so that an interrupt reaches the workers first.
 */
export async function startDevServer(
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<DevServer> {
  await mkdir(home, { recursive: true });
  const earlier = await readSmall(home, SERVER_FILE, serverSchema);
  if (earlier !== null && (await isAlive(earlier)) && (await answers(earlier.address))) {
    return toDevServer(earlier, true, pollUntilDead(earlier));
  }
  const port = await portOr(earlier?.port);
  const uiPort = await portOr(earlier?.uiPort);
  const program = await findServerProgram(environment);
  const child = await spawnServer(program, home, port, uiPort);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  const identity = await readProcessIdentity(child.pid ?? 0);
  const server = { address: `127.0.0.1:${String(port)}`, port, uiPort, ...identity };
  await waitUntilAnswering(server.address, child, home);
  await writeFileAtomic(path.join(home, SERVER_FILE), JSON.stringify(server));
  return toDevServer(server, false, ended);
}

/** `temporal` on PATH, else the one in the project's venv. @throws TEMPORAL_MISSING */
async function findServerProgram(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  const onPath = (environment['PATH'] ?? '').split(path.delimiter).map((folder) => path.join(folder, 'temporal'));
  for (const program of [...onPath, path.join(PROJECT_ROOT, '.venv', 'bin', 'temporal')]) {
    try {
      await access(program, constants.X_OK);
      return program;
    } catch {
      continue;
    }
  }
  throw new RegraftError(
    'TEMPORAL_MISSING',
    'No `temporal` program was found on PATH or in .venv/bin; run `npm run setup`, or set TEMPORAL_ADDRESS to a server of your own.',
  );
}

async function spawnServer(program: string, home: string, port: number, uiPort: number): Promise<ChildProcess> {
  const log = await open(path.join(home, 'temporal.log'), 'a');
  try {
    const child = spawn(
      program,
      [
        'server',
        'start-dev',
        ...['--db-filename', path.join(home, 'temporal.sqlite'), '--ip', '127.0.0.1', '--port', String(port)],
        ...['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort), '--ui-disable-news-fetch', '--log-level', 'warn'],
      ],
      { detached: true, stdio: ['ignore', log.fd, log.fd] },
    );
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return child;
  } finally {
    await log.close();
  }
}

async function waitUntilAnswering(address: string, child: ChildProcess, home: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < READY_TIMEOUT_MS && child.exitCode === null; waitedMs += 100) {
    if (await answers(address)) return;
    await setTimeout(100);
  }
  throw new RegraftError(
    'TEMPORAL_START_FAILED',
    `Temporal's dev server did not come up on ${address} within ${String(READY_TIMEOUT_MS / 1000)} s; see ${path.join(home, 'temporal.log')}.`,
  );
}

async function answers(address: string): Promise<boolean> {
  try {
    const client = await connectClient({ connectionOptions: { address }, namespace: 'default', from: 'regraft up' });
    await client.workflowService.describeNamespace({ namespace: 'default' });
    await client.connection.close();
    return true;
  } catch {
    return false;
  }
}

async function pollUntilDead(identity: z.output<typeof serverSchema>): Promise<void> {
  while (await isAlive(identity)) await setTimeout(500, undefined, { ref: false });
}

function toDevServer(server: z.output<typeof serverSchema>, adopted: boolean, ended: Promise<void>): DevServer {
  return {
    address: server.address,
    uiUrl: `http://127.0.0.1:${String(server.uiPort)}`,
    adopted,
    ended,
    async stop() {
      if (!(await isAlive(server))) return;
      process.kill(server.pid, 'SIGTERM');
      await Promise.race([ended, setTimeout(10_000, undefined, { ref: false })]);
    },
  };
}

async function portOr(wanted: number | undefined): Promise<number> {
  if (wanted === undefined) return freePort();
  return (await isFree(wanted)) ? wanted : freePort();
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen(port, '127.0.0.1', () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}
