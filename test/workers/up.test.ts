import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { startUp, type Up, type UpOptions } from '../../workers/up.ts';
import { killProcessesOf, processesOf } from '../support/processes-of.ts';
import { waitAtLength } from '../support/wait-at-length.ts';

const { PATH, HOME } = process.env;
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const roots: string[] = [];

/** A home folder that has the workflows' bundle already where another test has made it. */
async function makeHome(): Promise<string> {
  const home = await mkdtemp(path.join(tmpdir(), 'regraft-up-'));
  roots.push(home);
  const cache = path.join(PROJECT_ROOT, '.regraft', 'cache');
  await mkdir(cache, { recursive: true });
  await symlink(cache, path.join(home, 'cache'));
  return home;
}

afterAll(async () => {
  for (const root of roots) {
    await killProcessesOf(root);
    await rm(root, { recursive: true, force: true });
  }
});

/** `regraft up` in this process, and what it says. */
class Session {
  readonly home: string;
  readonly said: string[] = [];
  #up: Up | null = null;

  constructor(home: string) {
    this.home = home;
  }

  static async start(home: string, options: Partial<UpOptions> = {}): Promise<Session> {
    const session = new Session(home);
    session.#up = await startUp({
      home,
      environment: { PATH, HOME },
      gpuSlots: 1,
      metricsPort: 0,
      pausesMs: [500, 700],
      ...options,
      say: (line) => session.said.push(line),
    });
    return session;
  }

  get up(): Up {
    if (this.#up === null) throw new Error('it has not started');
    return this.#up;
  }

  get metricsPort(): number {
    return Number(new URL(this.up.metricsUrl).port);
  }

  /** Process ids of the workers it has started, oldest first. */
  get workers(): readonly number[] {
    return this.said.flatMap((line) => /^Worker (\d+) serves/.exec(line)?.[1] ?? []).map(Number);
  }

  /** Ends the newest worker in the hardest way. */
  killWorker(): number {
    const pid = this.workers.at(-1) ?? 0;
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  async server(): Promise<{ readonly pid: number; readonly address: string; readonly port: number }> {
    const text = await readFile(path.join(this.home, 'temporal.json'), 'utf8');
    return JSON.parse(text) as { pid: number; address: string; port: number };
  }

  async isServing(): Promise<boolean> {
    return fetch(`${this.up.metricsUrl}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  async waitForLine(pattern: RegExp, after = 0): Promise<string> {
    return waitAtLength(`it says ${String(pattern)}`, async () => {
      return this.said.slice(after).find((line) => pattern.test(line)) ?? null;
    });
  }
}

/** Something of somebody else's on a port of 127.0.0.1, until it is told to leave or the test is over. */
async function occupy(port: number): Promise<() => Promise<void>> {
  const squatter = net.createServer((socket) => socket.destroy());
  await waitAtLength(`port ${String(port)} is free`, () => {
    return new Promise<boolean>((resolve) => {
      squatter.once('error', () => {
        resolve(false);
      });
      squatter.listen(port, '127.0.0.1', () => {
        resolve(true);
      });
    });
  });
  const leave = (): Promise<void> =>
    new Promise((resolve) => {
      squatter.close(() => {
        resolve();
      });
    });
  onTestFinished(leave);
  return leave;
}

describe('`regraft up`', () => {
  let session: Session;

  beforeAll(async () => {
    session = await Session.start(await makeHome());
  });

  it('starts a server and a worker for every queue, and says where they are', async () => {
    const { address, pid } = await session.server();
    const worker = session.workers[0] ?? 0;
    expect(session.said).toEqual([
      `Temporal started at ${address}, its page is ${session.up.temporalUiUrl ?? ''}`,
      `Worker ${String(worker)} serves all queues; metrics at ${session.up.metricsUrl}/metrics`,
    ]);
    const health: unknown = await (await fetch(`${session.up.metricsUrl}/healthz`)).json();
    const states = { control: 'RUNNING', io: 'RUNNING', cpu: 'RUNNING', gpu: 'RUNNING', evaluate: 'RUNNING' };
    expect(health).toEqual({ ok: true, states });
    const metrics = await (await fetch(`${session.up.metricsUrl}/metrics`)).text();
    expect(metrics).toContain('regraft_core_scrape_ok 1\n');
    expect(metrics).toContain('temporal_worker_task_slots_available{');
    expect([...(await processesOf(session.home))].sort()).toEqual([pid, worker].sort());
  });

  it('is refused a second time in the same home', async () => {
    await expect(Session.start(session.home)).rejects.toMatchObject({ code: 'HOME_IN_USE' });
    expect(await session.isServing()).toBe(true);
  });

  it('starts a worker only where the environment names a server of the user’s own', async () => {
    const { address } = await session.server();
    const home = await makeHome();
    const other = await Session.start(home, { environment: { PATH, HOME, TEMPORAL_ADDRESS: address } });
    expect(other.up.temporalUiUrl).toBeNull();
    expect(await processesOf(home)).toEqual(other.workers);
    expect(await other.isServing()).toBe(true);
    await other.up.stop();
    expect(await readdir(home)).not.toContain('temporal.json');
    expect(await session.isServing()).toBe(true);
  });

  it('starts another worker on the same port when one is killed', async () => {
    const killed = session.killWorker();
    await session.waitForLine(
      new RegExp(`^Worker ${String(killed)} ended \\(SIGKILL\\)\\. Starting again in [\\d.]+ s\\.$`),
    );
    await waitAtLength('another worker serves', async () => session.workers.length === 2 && session.isServing());
    expect(session.said.at(-1)).toContain(`metrics at ${session.up.metricsUrl}/metrics`);
  });

  it('starts the server on the same address when it is killed, and the worker goes on', async () => {
    const [before, workers] = [await session.server(), session.workers.length];
    process.kill(before.pid, 'SIGKILL');
    await session.waitForLine(/^Temporal ended; its state is kept\. Starting again in [\d.]+ s\.$/);
    const after = await waitAtLength('another server runs', async () => {
      const found = await session.server();
      return found.pid !== before.pid && found;
    });
    expect(after.address).toBe(before.address);
    await waitAtLength(
      'both are told of',
      async () => session.said.filter((line) => line.startsWith(`Temporal started at ${after.address},`)).length === 2,
    );
    expect(session.workers).toHaveLength(workers);
    expect(await session.isServing()).toBe(true);
  });

  it('says each failure to start and tries again, until it works', async () => {
    const [said, workers] = [session.said.length, session.workers.length];
    session.killWorker();
    const leave = await occupy(session.metricsPort);
    const failure =
      /^The worker did not start: it ended \(exit code 1\); its own message is above\. Starting again in ([\d.]+) s\.$/;
    await session.waitForLine(failure, said);
    await leave();
    await waitAtLength('another worker serves', async () => session.workers.length > workers && session.isServing());
  });

  it('gives the worker the server’s new address where the old one was taken meanwhile', async () => {
    const [before, workers] = [await session.server(), session.workers.length];
    process.kill(before.pid, 'SIGKILL');
    await occupy(before.port);
    await session.waitForLine(/^That is another address than before; the worker is started again\.$/);
    await waitAtLength('another worker serves', async () => session.workers.length > workers && session.isServing());
    expect((await session.server()).address).not.toBe(before.address);
  });

  it('stops in the middle of a restart and leaves no process and no lock', async () => {
    const before = session.workers.length;
    const killed = session.killWorker();
    const server = await session.server();
    await waitAtLength('another worker is being started', async () => {
      const running = await processesOf(session.home);
      return running.some((pid) => pid !== killed && pid !== server.pid);
    });
    await session.up.stop();
    expect(session.workers).toHaveLength(before);
    expect(await processesOf(session.home)).toEqual([]);
    expect(await readdir(session.home)).not.toContain('up.json');
    expect(session.said.at(-1)).toBe(`Stopped. State is kept in ${session.home}.`);
  });

  it('goes on from its state at the next start, whose first failure ends everything', async () => {
    const { address, port } = await session.server();
    const leave = await occupy(session.metricsPort);
    await expect(Session.start(session.home, { metricsPort: session.metricsPort })).rejects.toMatchObject({
      code: 'WORKER_START_FAILED',
      message: 'The worker did not start: it ended (exit code 1); its own message is above.',
    });
    expect(await processesOf(session.home)).toEqual([]);
    await leave();
    const next = await Session.start(session.home, { metricsPort: session.metricsPort });
    expect(await next.server()).toMatchObject({ address, port });
    await next.up.stop();
    expect(await processesOf(session.home)).toEqual([]);
  });
});
