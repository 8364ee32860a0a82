import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { connectClient } from '../../../client/connection.ts';
import { createLineages, type Lineages } from '../../../client/lineages.ts';
import { startDevServer, type DevServer } from '../../../workers/dev-server.ts';
import { cpuSecondsOf, peakBytesOf } from './process-facts.ts';
import type { Footprint } from './row.ts';
import { startWorkerProcess } from './worker-process.ts';

/** A server, a worker and a client of it, for one case alone. */
export interface Place {
  readonly client: Client;
  readonly lineages: Lineages;
  /** Begins to count; what it returns says what was taken since. */
  startMeter(): Promise<() => Promise<Footprint>>;
}

/**
 * Starts a new dev server as `regraft up` does, with its state and its log in `home`, and a scripted worker; stops both when
 * the work is over, has failed, or the benchmark is interrupted. State and log are kept where it did not end well.
 */
export async function inPlace<Result>(
  root: string,
  home: string,
  work: (place: Place) => Promise<Result>,
): Promise<Result> {
  const opened: (() => Promise<void>)[] = [];
  const interrupt = listenForInterrupt();
  let result: Result;
  try {
    const place = await openPlace(root, home, opened); // not left half open by an interrupt
    result = await Promise.race([work(place), interrupt.happens()]);
    // Only now: with requests under way the client would throw from a timer. After a failure the process ends anyway.
    await place.client.connection.close();
  } finally {
    interrupt.forget();
    for (const close of opened.reverse()) await close();
  }
  await rm(home, { recursive: true });
  return result;
}

/** `opened` collects how to close what was opened. */
async function openPlace(root: string, home: string, opened: (() => Promise<void>)[]): Promise<Place> {
  const server = await startAfresh(home);
  opened.push(() => server.stop());
  const worker = await startWorkerProcess(root, server.address);
  opened.push(() => worker.stop());
  const connectionOptions = { address: server.address };
  const client = await connectClient({ connectionOptions, namespace: 'default', from: 'the benchmark' });
  return {
    client,
    lineages: createLineages(client),
    async startMeter() {
      const before = [await cpuSecondsOf(server.pid), await cpuSecondsOf(worker.pid)] as const;
      return async () => ({
        serverCpuSeconds: (await cpuSecondsOf(server.pid)) - before[0],
        workerCpuSeconds: (await cpuSecondsOf(worker.pid)) - before[1],
        serverPeakBytes: await peakBytesOf(server.pid),
        workerPeakBytes: await peakBytesOf(worker.pid),
        databaseBytes: await databaseBytes(home),
      });
    },
  };
}

/** A benchmark that was killed may have left its server running: taken over, it can be stopped. */
async function startAfresh(home: string): Promise<DevServer> {
  if (existsSync(home)) {
    const earlier = await startDevServer(home, process.env);
    await earlier.stop();
    await rm(home, { recursive: true });
  }
  return startDevServer(home, process.env);
}

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** Until it is told to forget them, signals that ask for an end do not end this process. */
function listenForInterrupt(): { happens(): Promise<never>; forget(): void } {
  const interrupted = new AbortController();
  const listen = (signal: NodeJS.Signals): void => {
    interrupted.abort(new Error(`ended by ${signal}; nothing was measured.`));
  };
  for (const signal of SIGNALS) process.on(signal, listen);
  return {
    async happens() {
      if (!interrupted.signal.aborted) await once(interrupted.signal, 'abort');
      throw interrupted.signal.reason;
    },
    forget() {
      for (const signal of SIGNALS) process.off(signal, listen);
    },
  };
}

/** Of the file and what is not yet written back into it. */
async function databaseBytes(home: string): Promise<number> {
  const names = (await readdir(home)).filter((name) => name.startsWith('temporal.sqlite'));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(home, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
