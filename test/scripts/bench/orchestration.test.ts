import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inParallel } from '../../../scripts/bench/orchestration/in-parallel.ts';
import { failureOf, Requests } from '../../../scripts/bench/orchestration/lineages.ts';
import { cpuSecondsOf, peakBytesOf } from '../../../scripts/bench/orchestration/process-facts.ts';
import { judgeOrchestration } from '../../../scripts/bench/orchestration/reaches.ts';
import type { OrchestrationRow } from '../../../scripts/bench/orchestration/row.ts';
import { orchestrationText } from '../../../scripts/bench/orchestration/table.ts';
import { connectClient } from '../../../client/connection.ts';
import { RegraftError } from '../../../contracts/error.ts';
import type { LineageState } from '../../../contracts/lineage-state.ts';
import { makeArm, makeRelease, makeSpec } from '../../support/lineage-values.ts';
import { processesOf } from '../../support/processes-of.ts';
import { waitAtLength } from '../../support/wait-at-length.ts';

const LIMIT_MS = 400_000;

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'regraft-bench-'));
});
afterAll(() => {
  rmSync(place, { recursive: true });
});
const argsOf = (folder: string, ...args: readonly string[]): readonly string[] => [
  ...['scripts/bench.mjs', 'orchestration', '--size', 'small', '--folder', join(place, folder), ...args],
];

/** As measured where everything went well; fields given override. */
const row = (fields: Partial<OrchestrationRow> = {}): OrchestrationRow => ({
  ...{ case: 'one', arms: ['iterative'], lineages: 1, seconds: [1.5, 1, 3], totalSeconds: null, applySeconds: 0.5 },
  ...{ unanswered: 0, failures: [], run: { events: 110, bytes: 30_900, activities: 10 } },
  ...{ lineage: { events: 54, bytes: 14_600 }, release: { events: 164, bytes: 45_500 } },
  ...{ serverCpuSeconds: 0.9, workerCpuSeconds: 0.3, serverPeakBytes: 208e6, workerPeakBytes: 311e6 },
  ...{ databaseBytes: 4e6, ...fields },
});

describe('the orchestration benchmark at small size', () => {
  let first: ReturnType<typeof spawnSync>;
  let rows: readonly OrchestrationRow[];
  beforeAll(() => {
    const json = join(place, 'rows.json');
    first = spawnSync(process.execPath, argsOf('bench', '--runs', '2', '--json', json), { encoding: 'utf8' });
    rows = existsSync(json) ? (JSON.parse(readFileSync(json, 'utf8')) as readonly OrchestrationRow[]) : [];
  }, LIMIT_MS);

  it('brings every release live, in one lineage without and with a plain control, and in twenty at once', () => {
    expect(first.stderr).not.toContain('Error');
    expect(first.status).toBe(0);
    expect(rows.map((one) => [one.case, one.arms, one.lineages, one.seconds.length, one.failures])).toEqual([
      ['one', ['iterative'], 1, 2, []],
      ['one', ['iterative', 'plain'], 1, 2, []],
      ['many', ['iterative'], 20, 20, []],
    ]);
  });

  it('counts what was really done: the activities of a run with a Δ, and of one from the base', () => {
    const counts = rows.map(({ run }) => run.activities);
    // inspect, recycle, three evaluations, train, difference, judge, publish, record; from the base nothing is recycled
    expect(counts).toEqual([10, 10, 9]);
    for (const { run, lineage, release, arms } of rows) {
      expect(run.events).toBeGreaterThan(3 * run.activities);
      expect(run.bytes).toBeGreaterThan(100 * run.activities);
      expect(lineage.events).toBeGreaterThan(10);
      expect(release.events).toBeGreaterThan(run.events + lineage.events - 1);
      expect(release.events > 1.5 * run.events + lineage.events).toBe(arms.length === 2);
    }
    expect(rows).toHaveLength(3);
  });

  it('times each release from its order to its conclusion, and all of them together', () => {
    const [one, , many] = rows;
    for (const { seconds, applySeconds } of rows) {
      expect(Math.min(...seconds)).toBeGreaterThan(0.1);
      expect(applySeconds).toBeGreaterThan(0);
    }
    expect(one?.totalSeconds).toBeNull();
    expect(many?.totalSeconds).toBeGreaterThanOrEqual(Math.max(...(many?.seconds ?? [])));
    expect(many?.totalSeconds).toBeLessThan((many?.seconds ?? []).reduce((sum, seconds) => sum + seconds, 0));
  });

  it('says what the server and the worker took', () => {
    for (const measured of rows) {
      expect(measured.serverCpuSeconds).toBeGreaterThan(0.05);
      expect(measured.workerCpuSeconds).toBeGreaterThan(0.05);
      expect(measured.serverPeakBytes).toBeGreaterThan(50e6);
      expect(measured.workerPeakBytes).toBeGreaterThan(50e6);
      expect(measured.databaseBytes).toBeGreaterThan(200_000);
    }
    expect(rows).toHaveLength(3);
  });

  it('prints the machine, what was measured and what was reached', () => {
    expect(first.stdout).toContain(`Node ${process.version}`);
    expect(first.stdout).toMatch(/│ many +│ iterative +│ 20 +│ 20 +│ [\d.]+ s +│/);
    expect(first.stdout).toMatch(/│ one: a release in less than 10 s +│ not judged +│ [\d.]+ s +│/);
    expect(first.stdout).toMatch(/│ many: 20 lineages bring their release live +│ met +│ 20 of 20 +│/);
  });

  it('leaves no process and no state behind', async () => {
    expect(existsSync(join(place, 'bench', 'orchestration'))).toBe(false);
    expect(await processesOf(join(place, 'bench'))).toEqual([]);
  });
});

describe('an orchestration benchmark that is interrupted', () => {
  it(
    'stops its server and its worker, and the next one starts afresh on what it left',
    { timeout: LIMIT_MS },
    async () => {
      const home = join(place, 'interrupted', 'orchestration');
      const bench = spawn(process.execPath, argsOf('interrupted', '--only', 'one', '--runs', '500'), {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const said: string[] = [];
      bench.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
      const ended = once(bench, 'close');
      const address = await waitAtLength('the server has an address', async () => {
        const file = join(home, 'temporal.json');
        return existsSync(file) && (/"address":"([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1] ?? null);
      });
      const from = 'this test';
      const client = await connectClient({ connectionOptions: { address }, namespace: 'default', from });
      await waitAtLength(
        'two releases are over',
        async () => (await client.workflow.count(`WorkflowType = 'recycleRun'`)).count > 2,
        100,
      );
      await client.connection.close();
      expect(await processesOf(`scripted-worker.ts\0${address}`)).toHaveLength(1);
      bench.kill('SIGINT');
      expect(await ended).toEqual([1, null]);
      expect(said.join('').trimEnd().split('\n').at(-1)).toBe('bench: ended by SIGINT; nothing was measured.');
      expect(await processesOf(home)).toEqual([]);
      expect(await processesOf(`scripted-worker.ts\0${address}`)).toEqual([]);
      expect(existsSync(join(home, 'temporal.log'))).toBe(true);

      const again = spawnSync(process.execPath, argsOf('interrupted', '--only', 'one', '--runs', '1'), {
        encoding: 'utf8',
      });
      expect(again.stderr).not.toContain('Error');
      expect(again.status).toBe(0);
      expect(existsSync(home)).toBe(false);
    },
  );
});

describe('what orchestration has to reach', () => {
  const marks = (measured: OrchestrationRow, judgesTimes = true): readonly unknown[] =>
    judgeOrchestration([measured], { judgesTimes }).map(({ mark, found }) => [mark, found]);

  it('is a release in less than ten seconds by the median, which a slow one among them does not change', () => {
    expect(marks(row({ seconds: [9.99, 1, 60] }))[0]).toEqual(['met', '9.99 s']);
    expect(marks(row({ seconds: [10, 1, 60] }))[0]).toEqual(['MISSED', '10.00 s']);
    expect(marks(row({ seconds: [10] }), false)[0]).toEqual(['not judged', '10.00 s']);
  });

  it('is less than five hundred events for each run, the part of the lineage included', () => {
    const release = (events: number): Partial<OrchestrationRow> => ({ release: { events, bytes: 1 } });
    expect(marks(row(release(499)))[1]).toEqual(['met', '499']);
    expect(marks(row(release(500)), false)[1]).toEqual(['MISSED', '500']);
    expect(marks(row({ ...release(998), arms: ['iterative', 'plain'] }))[1]).toEqual(['met', '499']);
  });

  it('is every release live, at whatever size', () => {
    const many = { case: 'many', lineages: 3, totalSeconds: 4 } as const;
    expect(marks(row(many))).toEqual([['met', '3 of 3']]);
    expect(marks(row({ ...many, failures: ['Lineage a: M1 is failed, nothing is live.'] }), false)).toEqual([
      ['MISSED', '1 not'],
    ]);
    expect(marks(row({ failures: ['one', 'two'] }))[2]).toEqual(['MISSED', '2 not']);
  });
});

describe('the table of the orchestration benchmark', () => {
  it('has times, rates, histories and processes of each row', () => {
    const seconds = Array.from({ length: 20 }, (_, index) => index + 1);
    const text = orchestrationText(
      [row({ case: 'many', lineages: 20, seconds, totalSeconds: 10, unanswered: 7 })],
      [{ reach: 'to be quick', mark: 'MISSED', found: 'slow' }],
    );
    const cells = (line: number): readonly string[] =>
      (text.split('\n')[line] ?? '').split('│').flatMap((cell) => (cell.trim() === '' ? [] : [cell.trim()]));
    expect(cells(2)).toEqual([
      ...['many', 'iterative', '20', '20', '10.50 s', '19.00 s', '1.00 s–20.00 s', '10.00 s', '2.0', '0.50 s', '7'],
    ]);
    expect(cells(6)).toEqual(['many', 'iterative', '10', '110', '30.9', '54', '14.6']);
    expect(cells(10)).toEqual(['many', 'iterative', '0.04 s', '208 MB', '0.01 s', '311 MB', '4 MB']);
    expect(cells(14)).toEqual(['to be quick', 'MISSED', 'slow']);
  });
});

describe('whether a release went well', () => {
  const release = makeRelease(1);
  const state = (status: 'succeeded' | 'failed', live: string | null): LineageState => ({
    ...{ v: 1, spec: makeSpec({ name: 'sums' }), paused: null, log: [] },
    published: live === null ? null : { release: live, candidateDigest: 'c', suites: [] },
    releases: [
      {
        ...{ release, status, recordDigest: null, observedAt: '', concludedAt: '', retries: 0 },
        arms: [makeArm(status === 'failed' ? { failure: { code: 'SUITE_INVALID', message: 'no such suite' } } : {})],
      },
    ],
  });

  it('is told by what is live, not by its status alone', () => {
    expect(failureOf(state('succeeded', 'M1'), 'M1')).toBeNull();
    expect(failureOf(state('succeeded', null), 'M1')).toBe('Lineage sums: M1 is succeeded, nothing is live.');
    expect(failureOf(state('failed', 'M0'), 'M1')).toBe(
      'Lineage sums: M1 is failed, M0 is live; iterative: no such suite.',
    );
    expect(failureOf(state('failed', 'M1'), 'M1')).toMatch(/^Lineage sums: M1 is failed, M1 is live; /);
    expect(failureOf(state('succeeded', 'M1'), 'M2')).toBe('Lineage sums: M2 is unknown, M1 is live.');
  });
});

describe('requests of the benchmark', () => {
  const unanswered = new RegraftError('LINEAGE_NOT_ANSWERING', 'does not answer', { retryable: true });

  it('are made again and counted where no answer came, five times at most', async () => {
    const requests = new Requests();
    const outcomes = [unanswered, unanswered, null];
    const answer = await requests.make(async () => {
      const outcome = outcomes.shift();
      if (outcome instanceof Error) throw outcome;
      return 'done';
    });
    expect([answer, requests.unanswered]).toEqual(['done', 2]);
    const never = requests.make(async () => Promise.reject(unanswered));
    await expect(never).rejects.toBe(unanswered);
    expect(requests.unanswered).toBe(6);
  });

  it('are not made again where they were refused', async () => {
    const requests = new Requests();
    const refused = new RegraftError('RELEASE_MOVED', 'moved');
    await expect(requests.make(async () => Promise.reject(refused))).rejects.toBe(refused);
    expect(requests.unanswered).toBe(0);
  });

  it('are under way as many at a time as allowed, and answered in order', async () => {
    let [running, most] = [0, 0];
    const results = await inParallel(3, [5, 1, 4, 2, 3], async (item) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < item; turn += 1) await Promise.resolve();
      running -= 1;
      return 10 * item;
    });
    expect([results, most]).toEqual([[50, 10, 40, 20, 30], 3]);
  });

  it('begin no more once one has failed', async () => {
    const begun: number[] = [];
    const all = inParallel(2, [1, 2, 3, 4, 5, 6], async (item) => {
      begun.push(item);
      await Promise.resolve();
      if (item === 1) throw new Error('refused');
    });
    await expect(all).rejects.toThrow('refused');
    await new Promise(setImmediate);
    expect(begun.length).toBeLessThan(6);
  });
});

describe('what a process takes', () => {
  it('is its peak of memory and its processor time, as the process itself counts them', async () => {
    const until = performance.now() + 200;
    while (performance.now() < until) Math.sqrt(until);
    const { user, system } = process.cpuUsage();
    expect(await cpuSecondsOf(process.pid)).toBeCloseTo((user + system) / 1e6, 0);
    expect(await cpuSecondsOf(process.pid)).toBeGreaterThan(0.1);
    expect(await peakBytesOf(process.pid)).toBeGreaterThanOrEqual(process.memoryUsage.rss() / 2);
  });
});
