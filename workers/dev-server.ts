import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { isAlive, readProcessIdentity } from '../adapters/process/process-identity.ts';
import { isErrno, writeFileAtomic } from '../adapters/store/atomic-file.ts';
import { readSmall } from '../adapters/trainer/trainer-folder.ts';
import { connectClient, SERVER_FILE } from '../client/connection.ts';
import { messageOf, RegraftError } from '../contracts/error.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { freePort, isFree, isListening } from './loopback-ports.ts';
import { findServerProgram } from './server-program.ts';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const LOG_FILE = 'temporal.log';
const PORT_TIMEOUT_MS = 3_000;
const ANSWER_WITHIN_MS = 5_000;
const DYNAMIC_CONFIG = [
  'matching.enableFairness=true', // lineages take turns
  // Out of the box it looks for due tasks 20 times a second at most, and every step of a workflow waits for that.
  'history.transferProcessorMaxPollRPS=1000',
  'history.timerProcessorMaxPollRPS=1000',
];

const serverSchema = z.object({
  address: z.string(),
  port: z.int(),
  uiPort: z.int(),
  pid: z.int(),
  startTicks: z.int(),
  bootId: z.string(),
});
type ServerRecord = z.output<typeof serverSchema>;

export interface DevServer {
  readonly pid: number;
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
 * left running is taken over; one that runs and does not answer is ended, for two cannot share the state. It runs in a
 * process group of its own, so that an interrupt reaches the workers first.
 *
 * @param options signal: aborted before it is up, what was started is ended and this rejects; adoptTimeoutMs: how long
 * one that still runs has to answer.
 * @throws RegraftError TEMPORAL_MISSING, TEMPORAL_START_FAILED
 */
export async function startDevServer(
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
  options: { readonly signal?: AbortSignal; readonly adoptTimeoutMs?: number } = {},
): Promise<DevServer> {
  const { signal = new AbortController().signal, adoptTimeoutMs = READY_TIMEOUT_MS } = options;
  await mkdir(home, { recursive: true });
  const earlier = await readSmall(home, SERVER_FILE, serverSchema);
  if (earlier !== null && (await isAlive(earlier))) {
    const isWell = await waitUntilAnswering(earlier, signal, adoptTimeoutMs);
    if (isWell) return toDevServer(earlier, true, pollUntilDead(earlier));
    if (!signal.aborted) await end(earlier, 'SIGKILL');
  }
  const program = await findServerProgram(environment);
  const port = await portOr(earlier?.port);
  const ports = { port, uiPort: await portOr(earlier?.uiPort, port) };
  if (signal.aborted) throw startFailed('it was told to stop', home);
  return launch(program, home, ports, signal);
}

interface Ports {
  readonly port: number;
  readonly uiPort: number;
}

async function launch(program: string, home: string, ports: Ports, signal: AbortSignal): Promise<DevServer> {
  const { child, ended } = await spawnServer(program, home, ports);
  try {
    const identity = await readProcessIdentity(child.pid ?? 0);
    const record = { address: `127.0.0.1:${String(ports.port)}`, ...ports, ...identity };
    // Before it answers: should this process die now, the next one finds it.
    await writeFileAtomic(path.join(home, SERVER_FILE), JSON.stringify(record));
    if (await waitUntilAnswering(record, signal, READY_TIMEOUT_MS)) return toDevServer(record, false, ended);
    if (!(await isAlive(identity))) await ended; // so that its exit code is known
    throw startFailed(whyNot(child, signal), home);
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    throw error;
  }
}

async function spawnServer(
  program: string,
  home: string,
  { port, uiPort }: Ports,
): Promise<{ readonly child: ChildProcess; readonly ended: Promise<void> }> {
  const log = await open(path.join(home, LOG_FILE), 'a');
  try {
    const child = spawn(
      program,
      [
        'server',
        'start-dev',
        // As durable as SQLite's default, and several times as quick: every step of a workflow is a transaction.
        ...['--sqlite-pragma', 'journal_mode=WAL'],
        ...['--db-filename', path.join(home, 'temporal.sqlite'), '--ip', '127.0.0.1', '--port', String(port)],
        ...DYNAMIC_CONFIG.flatMap((setting) => ['--dynamic-config-value', setting]),
        ...Object.values(SEARCH_ATTRIBUTES).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
        ...['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort), '--ui-disable-news-fetch', '--log-level', 'warn'],
      ],
      { detached: true, stdio: ['ignore', log.fd, log.fd] },
    );
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => {
        resolve();
      });
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => {
        reject(startFailed(messageOf(error), home));
      });
    });
    return { child, ended };
  } finally {
    await log.close();
  }
}

function whyNot({ exitCode, signalCode }: ChildProcess, signal: AbortSignal): string {
  if (signal.aborted) return 'it was told to stop';
  if (exitCode === null && signalCode === null) return `it did not answer within ${String(READY_TIMEOUT_MS / 1000)} s`;
  return `it ended (${signalCode ?? `exit code ${String(exitCode)}`})`;
}

function startFailed(why: string, home: string): RegraftError {
  const log = path.join(home, LOG_FILE);
  return new RegraftError('TEMPORAL_START_FAILED', `Temporal's dev server did not start: ${why}; see ${log}.`, {
    retryable: true,
  });
}

/** False when it ended, was not ready in time, or the signal was aborted. */
async function waitUntilAnswering(server: ServerRecord, signal: AbortSignal, timeoutMs: number): Promise<boolean> {
  const untilMs = performance.now() + timeoutMs;
  while (performance.now() < untilMs && !signal.aborted && (await isAlive(server))) {
    if (await answers(server)) return true;
    await setTimeout(100);
  }
  return false;
}

async function answers({ address, port }: ServerRecord): Promise<boolean> {
  if (!(await isListening(port))) return false; // the client would keep trying for seconds
  try {
    const client = await connectClient({ connectionOptions: { address }, namespace: 'default', from: 'regraft up' });
    try {
      const untilMs = Date.now() + ANSWER_WITHIN_MS; // one that is stopped takes a call and says nothing
      await client.withDeadline(untilMs, () => client.workflowService.describeNamespace({ namespace: 'default' }));
      return true;
    } finally {
      await client.connection.close();
    }
  } catch {
    return false;
  }
}

async function pollUntilDead(server: ServerRecord): Promise<void> {
  while (await isAlive(server)) await setTimeout(500, undefined, { ref: false });
}

function toDevServer(server: ServerRecord, adopted: boolean, ended: Promise<void>): DevServer {
  return {
    pid: server.pid,
    address: server.address,
    uiUrl: `http://127.0.0.1:${String(server.uiPort)}`,
    adopted,
    ended,
    async stop() {
      if (await end(server, 'SIGTERM')) return;
      await end(server, 'SIGKILL');
    },
  };
}

/** Sends the signal; true once the server has ended, false when it takes too long. */
async function end(server: ServerRecord, signal: 'SIGTERM' | 'SIGKILL'): Promise<boolean> {
  if (!(await isAlive(server))) return true;
  sendSignal(server.pid, signal);
  const untilMs = performance.now() + STOP_TIMEOUT_MS;
  while (performance.now() < untilMs) {
    if (!(await isAlive(server))) return true;
    await setTimeout(50);
  }
  return false;
}

function sendSignal(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error; // it has ended by itself
  }
}

/**
 * The port of before, so that clients find the server where it was; a killed one's threads may hold it for a moment longer
 * than its process counts as alive. Another one when somebody keeps it.
 */
async function portOr(wanted: number | undefined, except?: number): Promise<number> {
  if (wanted === undefined) return freePort(except);
  for (let waitedMs = 0; waitedMs < PORT_TIMEOUT_MS; waitedMs += 100) {
    if (await isFree(wanted)) return wanted;
    await setTimeout(100);
  }
  return freePort(except);
}
