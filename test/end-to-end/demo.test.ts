import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import { sha256OfFile } from '../../adapters/store/fs-blobs.ts';
import { reportSchema, type Report, type ReportArm } from '../../contracts/report.schema.ts';
import { releaseRecordSchema, runRecordSchema } from '../../contracts/run-record.schema.ts';
import { renderDashboards } from '../../dashboards/generate.ts';
import { freePort } from '../../workers/loopback-ports.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { killTemporalServer } from '../support/kill-temporal-server.ts';
import { panelQueries } from '../support/panel-queries.ts';
import { startPrometheus, type Prometheus } from '../support/prometheus.ts';

/** One `regraft demo` as a process of its own, and what it has said so far. */
interface DemoProcess {
  readonly child: ChildProcess;
  readonly said: () => string;
  /** Settles with the exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

const QUERIES = [...renderDashboards().values()].flatMap(panelQueries);

describe('the demo at smoke size', () => {
  let home = '';
  let metricsPort = 0;
  let prometheus: Prometheus;
  let report: Report;
  let second: DemoProcess;
  let secondExit: number | null;
  const began = new Date();
  const processes: DemoProcess[] = [];

  function startDemo(reportFile: string): DemoProcess {
    const args = ['demo', '--size', 'smoke', '--home', home, '--metrics-port', String(metricsPort)];
    const child = spawn(
      process.execPath,
      [path.join(PROJECT_ROOT, 'bin', 'regraft.mjs'), ...args, '--report', reportFile],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
    }
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const demo = { child, said: () => text, ended };
    processes.push(demo);
    return demo;
  }

  beforeAll(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'regraft-demo-'));
    metricsPort = await freePort();
    prometheus = await startPrometheus([`127.0.0.1:${String(metricsPort)}`]);

    const first = startDemo(path.join(home, 'never.json'));
    await vi.waitFor(() => assertTraining(path.join(home, 'work', 'training'), 'M2'), {
      timeout: 240_000,
      interval: 500,
    });
    await killEverything(first, home);

    second = startDemo(path.join(home, 'out.json'));
    secondExit = await second.ended;
    report = reportSchema.parse(JSON.parse(await readFile(path.join(home, 'out.json'), 'utf8')));
  }, 700_000);

  afterAll(async () => {
    for (const { child, ended } of processes) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    }
    await prometheus.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }, 60_000);

  it('goes on after its worker, its Temporal server and itself were killed with −9, and ends well', () => {
    expect(second.said()).toContain('M1 was released');
    expect(second.said()).not.toContain('the lab drops M1');
    expect(secondExit).toBe(0);
  });

  it('did every training once: what was in flight was adopted or resumed, what was done was kept', async () => {
    const store = createFsArtifactStore(path.join(home, 'store'));
    const trainings = new Map<string, readonly string[]>();
    for (const { recordDigest } of report.arms) {
      const { release, arm, training } = runRecordSchema.parse(await store.getRecord(recordDigest));
      trainings.set(
        `${release.name} ${arm}`,
        (training?.starts ?? []).map(({ how }) => how),
      );
    }
    expect(trainings.size).toBe(1 + 2 + 3 + 3);
    for (const [name, starts] of trainings) {
      const [how, ...later] = starts;
      expect(how, name).toBe('started');
      expect(later.includes('started'), name).toBe(false);
    }
    expect(trainings.get('M1 iterative')).toEqual(['started']);
  });

  it('reports what the raw records say, row by row', async () => {
    const store = createFsArtifactStore(path.join(home, 'store'));
    expect(report.releases.map(({ name }) => name)).toEqual(['M1', 'M2', 'M3', 'M4']);
    expect(report.arms).toHaveLength(4 * 3);
    for (const row of report.arms) {
      const run = runRecordSchema.parse(await store.getRecord(row.recordDigest));
      const release = report.releases.find(({ name }) => name === row.release);
      expect(run.release).toEqual({ name: row.release, digest: release?.digest });
      const record = releaseRecordSchema.parse(await store.getRecord(release?.recordDigest ?? ''));
      const { target } = record.arms.find(({ arm }) => arm === row.arm) ?? {};
      expect(target).toMatchObject({ reference: { kind: 'plain', release: row.release } });
      expect(row).toMatchObject({
        target,
        curve: run.evaluations.map(({ step, suites }) => ({
          step,
          score: suites[0]?.score,
          loss: suites[0]?.lossNats,
        })),
        best: { step: run.best.step, score: run.best.suites[0]?.score },
        final: { step: 150, score: run.final.suites[0]?.score },
        candidateDigest: run.best.modelDigest,
        sourceDelta: run.source?.deltaDigest ?? null,
        stepsCarried: run.source?.steps ?? 0,
      });
      expect(row.curve.map(({ step }) => step)).toEqual(Array.from({ length: 16 }, (_, index) => index * 10));
    }
  });

  it('counts steps to target and saving as their definitions say', () => {
    for (const { name } of report.releases) {
      const target = armOf(name, 'plain').final.score;
      const first = (row: ReportArm): number | undefined => row.curve.find(({ score }) => score >= target)?.step;
      for (const row of report.arms.filter(({ release }) => release === name)) {
        const plainSteps = first(armOf(name, 'plain')) ?? 0;
        const steps = first(row) ?? null;
        expect(row.target).toEqual({
          reference: { kind: 'plain', release: name, score: target, steps: plainSteps },
          steps,
          saving: steps === null ? null : 1 - steps / plainSteps,
        });
      }
    }
  });

  it('carries each release’s Δ to the next, by digest', () => {
    expect(report.arms.filter(({ release }) => release === 'M1').map(({ sourceDelta }) => sourceDelta)).toEqual([
      null,
      null,
      null,
    ]);
    for (const [earlier, later] of [
      ['M1', 'M2'],
      ['M2', 'M3'],
      ['M3', 'M4'],
    ] as const) {
      expect(armOf(later, 'iterative').sourceDelta).toBe(armOf(earlier, 'iterative').deltaDigest);
      expect(armOf(later, 'direct').sourceDelta).toBe(armOf(earlier, 'plain').deltaDigest);
      expect(armOf(later, 'plain').sourceDelta).toBeNull();
    }
    expect(armOf('M2', 'direct')).toMatchObject({ sharedWith: 'iterative' });
  });

  it('shows the effect: recycled arms end at least where plain ends, and reach its final loss sooner', () => {
    const recycled = report.arms.filter(({ release, arm }) => release !== 'M1' && arm !== 'plain');
    expect(recycled).toHaveLength(6);
    for (const row of recycled) {
      const plain = armOf(row.release, 'plain');
      expect(row.final.score, `${row.release} ${row.arm}`).toBeGreaterThanOrEqual(plain.final.score);
      expect(row.stepsToTargetLoss ?? Infinity, `${row.release} ${row.arm}`).toBeLessThan(plain.stepsToTargetLoss ?? 0);
    }
  });

  it('published the last candidate that passed its gate, whole, with its card and its provenance', async () => {
    const last = report.published.at(-1);
    const current = path.join(last?.target ?? '', 'current');
    const store = createFsArtifactStore(path.join(home, 'store'));
    const manifest = await store.manifest(last?.candidateDigest ?? '');
    expect(manifest.files.map(({ path: file }) => file)).toContain('model.safetensors');
    for (const file of manifest.files) expect(await sha256OfFile(path.join(current, file.path))).toBe(file.sha256);
    expect(await readFile(path.join(current, 'README.md'), 'utf8')).toContain(last?.candidateDigest ?? 'no digest');
    expect(JSON.parse(await readFile(path.join(current, 'regraft.json'), 'utf8'))).toMatchObject({
      schema: 'regraft.publication/1',
      candidate: { modelDigest: last?.candidateDigest },
    });
  });

  it('has data for every panel’s query in a real Prometheus that watched it', async () => {
    expect(QUERIES.length).toBeGreaterThanOrEqual(28);
    const range = { from: began, to: new Date(), stepSeconds: 5 };
    const empty: string[] = [];
    for (const { panel, expr } of QUERIES) {
      const series = await prometheus.queryRange(expr, range);
      if (series.every(({ points }) => points.length === 0)) empty.push(panel);
    }
    expect(empty).toEqual([]);
  });

  it('prints its report at once when started a third time, and does nothing again', async () => {
    const third = startDemo(path.join(home, 'again.json'));
    expect(await third.ended).toBe(0);
    expect(third.said()).not.toContain('the lab drops');
    expect(JSON.parse(await readFile(path.join(home, 'again.json'), 'utf8'))).toEqual(report);
  }, 120_000);

  function armOf(release: string, arm: ReportArm['arm']): ReportArm {
    const found = report.arms.find((row) => row.release === release && row.arm === arm);
    if (found === undefined) throw new Error(`the report has no row for ${release} ${arm}`);
    return found;
  }
});

/** Throws until a trainer has logged a step at this release. */
async function assertTraining(folder: string, release: string): Promise<void> {
  const files = await readdir(folder, { recursive: true });
  expect(files.filter((file) => file.includes(`/${release}/`)).map((file) => path.basename(file))).toContain(
    'metrics.jsonl',
  );
}

/** Kills the demo, its worker and its Temporal server, all with −9, in this order: nobody is left to start another. */
async function killEverything(demo: DemoProcess, home: string): Promise<void> {
  const worker = Number(/Worker ([0-9]+) serves/.exec(demo.said())?.[1]);
  demo.child.kill('SIGKILL');
  process.kill(worker, 'SIGKILL');
  await killTemporalServer(home);
  await demo.ended;
}
