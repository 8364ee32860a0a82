import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startWorkerProcess } from '../../drills/lab/worker-process.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { startSweep } from '../../workers/sweep.ts';
import { temporaryFolder } from '../support/safetensors.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

const LEFT = 'records/ab/abcd.json.partial-0123456789ab';
const TWO_DAYS_MS = 2 * 24 * 3_600_000;

async function makePlace(...files: readonly string[]) {
  const root = await temporaryFolder();
  const place = { home: path.join(root, 'home'), store: path.join(root, 'store') };
  for (const file of files) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), 'text');
  }
  return { root, ...place };
}

/** Everything that is there now was left two days ago. */
function inTwoDays(): void {
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + TWO_DAYS_MS);
}

async function filesIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describe("a worker's sweep", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('takes what was left in the store and in the unfinished work of its home, and says nothing', async () => {
    const { root, ...place } = await makePlace(
      `store/${LEFT}`,
      `home/work/training/a/${LEFT}`,
      'store/refs/a',
      'home/b',
    );
    inTwoDays();
    const said: string[] = [];
    const stop = startSweep(place, (line) => said.push(line));
    await waitUntil('all is swept', async () => (await filesIn(root)).length === 2);
    await stop();
    expect((await filesIn(root)).toSorted()).toEqual(['a', 'b']);
    expect(said).toEqual([]);
  });

  it('is over once it was stopped, which is no failure', async () => {
    const { root, ...place } = await makePlace(`store/${LEFT}`);
    inTwoDays();
    const said: string[] = [];
    await startSweep(place, (line) => said.push(line))();
    await access(path.join(root, 'store', LEFT));
    expect(said).toEqual([]);
  });

  it('tells why one folder cannot be swept, and sweeps the other', async () => {
    const { root, ...place } = await makePlace('store', `home/work/${LEFT}`);
    inTwoDays();
    const said: string[] = [];
    const stop = startSweep(place, (line) => said.push(line));
    await waitUntil('all is done', async () => said.length === 1 && (await filesIn(root)).length === 1);
    await stop();
    expect(said).toEqual([expect.stringMatching(/store cannot be removed \(ENOTDIR.*\[SWEEP_FAILED\]$/)]);
  });
});

describe('a worker', () => {
  let env: TestWorkflowEnvironment;
  beforeAll(async () => {
    env = await startTemporal();
  }, 60_000);
  afterAll(() => env.teardown());

  it('serves whatever becomes of its sweep, and tells when it failed', async () => {
    const { root, home, store } = await makePlace('store');
    const log = path.join(root, 'worker.log');
    const { PATH, HOME } = process.env;
    const environment = { PATH, HOME, TEMPORAL_ADDRESS: env.address, TEMPORAL_NAMESPACE: env.namespace ?? 'default' };
    const command = [path.join(PROJECT_ROOT, 'bin', 'regraft.mjs'), 'worker'];
    const worker = await startWorkerProcess([...command, '--queues', 'io', '--home', home, '--store', store], {
      ...{ environment, log },
    });
    try {
      expect((await fetch(`${worker.metricsUrl}/healthz`)).status).toBe(200);
      await waitUntil('it has told', async () => (await readFile(log, 'utf8')).includes('[SWEEP_FAILED]'));
      worker.signal('SIGTERM');
      expect(await worker.ended).toBeNull();
    } finally {
      await worker.kill();
    }
  }, 60_000);
});
