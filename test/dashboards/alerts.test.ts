import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alerts } from '../../dashboards/alerts/alerts.ts';
import { renderAlerts } from '../../dashboards/generate.ts';
import { CATALOGUE } from '../../metrics/catalogue.ts';
import { CORE_METRICS } from '../../metrics/core-metrics.ts';
import { findOnPath } from '../support/find-on-path.ts';

const GENERATED = fileURLToPath(new URL('../../dashboards/generated/', import.meta.url));
const RULES = join(GENERATED, 'alerts.yml');
const RUN = 'lineage="math",release="M2",arm="iterative"';
const ARM = 'lineage="math",arm="iterative"';
const ALIVE = ['regraft_core_scrape_ok{instance="a"}', '1x5000'] as const;

/** A series and its values minute by minute, in promtool's words: `0x5 1x60` is 0 six times, then 1 sixty-one times. */
type Series = readonly [series: string, values: string];
/** Labels of an alert besides its name, in PromQL's words. */
type Firing = readonly [name: string, labels: string];

let promtool: string;
let folder: string;

beforeAll(async () => {
  promtool = await findOnPath('promtool');
  folder = mkdtempSync(join(tmpdir(), 'regraft-alerts-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function run(...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(promtool, args, { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

/** Holds what fires after so many minutes, of all alerts, against what should. */
function expectFiring(input: readonly Series[], minutes: number, firing: readonly Firing[]): void {
  const samples = firing.map(([name, labels]) => ({
    labels: `ALERTS{alertname="${name}",alertstate="firing",severity="${severityOf(name)}"${labels === '' ? '' : `,${labels}`}}`,
    value: 1,
  }));
  const test = {
    interval: '1m',
    input_series: input.map(([series, values]) => ({ series, values })),
    promql_expr_test: [{ expr: 'ALERTS{alertstate="firing"}', eval_time: `${minutes}m`, exp_samples: samples }],
  };
  const file = join(folder, 'test.yml');
  writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: '1m', tests: [test] }));
  const { status, said } = run('test', 'rules', file);
  expect(said).toContain('SUCCESS');
  expect(status).toBe(0);
}

function severityOf(name: string): string {
  return alerts().find((alert) => alert.name === name)?.severity ?? 'unknown';
}

describe('the alerts', () => {
  it('are rules that Prometheus takes, each of a name of its own', () => {
    const { status, said } = run('check', 'rules', RULES);
    expect(said).toContain(`SUCCESS: ${alerts().length} rules found`);
    expect(status).toBe(0);
    expect(new Set(alerts().map(({ name }) => name)).size).toBe(alerts().length);
  });

  it('name no metric besides the catalogue and the Core list', () => {
    const known: ReadonlySet<string> = new Set([
      ...Object.values(CATALOGUE).map(({ name }) => name),
      ...Object.keys(CORE_METRICS),
    ]);
    const named = alerts().flatMap(({ query }) => query.expr.match(/\b(regraft|temporal)_\w+/g) ?? []);
    expect(named.length).toBeGreaterThanOrEqual(alerts().length);
    expect(named.filter((name) => !known.has(name) && !known.has(name.replace(/_(sum|count|bucket)$/, '')))).toEqual(
      [],
    );
  });

  it('say what they mean and what to do, on a page of their own too', () => {
    const runbook = readFileSync(join(GENERATED, 'runbook.md'), 'utf8');
    for (const { name, summary, means, remedy } of alerts()) {
      expect(summary).toMatch(/^[A-Z].{10,}[^.]$/);
      expect(means).toMatch(/^[A-Z].{30,}\.$/);
      expect(remedy).toMatch(/^[A-Z`].{30,}\.$/);
      expect(runbook).toContain(`\n## ${name}\n`);
      expect(runbook).toContain(remedy);
    }
  });

  it('are on disk as the sources render them', () => {
    const rendered = renderAlerts();
    expect([...rendered.keys()]).toEqual(['alerts.yml', 'runbook.md']);
    for (const [name, text] of rendered) expect(readFileSync(join(GENERATED, name), 'utf8')).toBe(text);
  });
});

/** What one alert is about, when it has to fire, and when not yet or no longer. */
interface Scenario {
  readonly firing: Firing;
  readonly series: readonly Series[];
  readonly firesAt: number;
  readonly silentAt: readonly number[];
}

const SCENARIOS: readonly Scenario[] = [
  { firing: ['RegraftWorkersGone', ''], series: [], firesAt: 6, silentAt: [4] },
  {
    firing: ['RegraftCoreMetricsMissing', ''],
    series: [ALIVE, ['regraft_core_scrape_ok{instance="b"}', '0x20 1x60']],
    firesAt: 17,
    silentAt: [14, 30],
  },
  {
    firing: ['RegraftActivitiesWait', 'task_queue="regraft-io"'],
    series: [
      ALIVE,
      ['temporal_activity_schedule_to_start_latency_seconds_sum{task_queue="regraft-io"}', '0x5 0+120x60 7200x60'],
      ['temporal_activity_schedule_to_start_latency_seconds_sum{task_queue="regraft-gpu-h100"}', '0+600x200'],
    ],
    firesAt: 45,
    silentAt: [10, 100],
  },
  {
    firing: ['RegraftActivityKeepsFailing', 'activity_type="fetch"'],
    series: [ALIVE, ['temporal_activity_execution_failed_total{activity_type="fetch"}', '1x5 1+1x14 15x60']],
    firesAt: 25,
    silentAt: [8, 60],
  },
  {
    firing: ['RegraftStaleWritesRefused', ARM],
    series: [ALIVE, [`regraft_stale_writes_refused_total{${ARM}}`, '0x5 1x200']],
    firesAt: 10,
    silentAt: [3, 80],
  },
  {
    firing: ['RegraftTrainingStandsStill', RUN],
    series: [
      ALIVE,
      [`regraft_train_step{${RUN},instance="a"}`, '0+10x20 200x200'],
      [`regraft_run_stage{${RUN},stage="finetune"}`, '1x200 0x60'],
    ],
    firesAt: 120,
    silentAt: [60, 100, 230],
  },
  {
    firing: ['RegraftTrainingDiverges', `${RUN},state="diverging"`],
    series: [
      ALIVE,
      [`regraft_convergence_state{${RUN},state="diverging"}`, '0x10 1x60 0x60'],
      [`regraft_convergence_state{${RUN},state="improving"}`, '1x10 0x60 1x60'],
    ],
    firesAt: 20,
    silentAt: [12, 90],
  },
  {
    firing: ['RegraftReplayBroken', ARM],
    series: [ALIVE, [`regraft_training_continuity_total{${ARM},verdict="broken"}`, '0x5 1x200']],
    firesAt: 10,
    silentAt: [3, 80],
  },
  {
    firing: ['RegraftTrainersKeepEnding', ARM],
    series: [
      ALIVE,
      [`regraft_training_ends_total{${ARM},end="preempted"}`, '_x10 1+1x3 4x800'],
      [`regraft_training_ends_total{${ARM},end="out-of-memory"}`, '_x10 1+1x1 2x800'],
      [`regraft_training_ends_total{${ARM},end="done"}`, '_x10 9x800'],
    ],
    firesAt: 20,
    silentAt: [12, 500],
  },
  {
    firing: ['RegraftRunFailed', ARM],
    series: [ALIVE, [`regraft_runs_total{${ARM},outcome="failed"}`, '_x10 1x200']],
    firesAt: 12,
    silentAt: [9, 90],
  },
  {
    firing: ['RegraftCandidateRejected', 'lineage="math"'],
    series: [ALIVE, ['regraft_gate_decisions_total{lineage="math",decision="reject"}', '_x10 1x100 2x200']],
    firesAt: 120,
    silentAt: [9, 90, 200],
  },
  {
    firing: ['RegraftLineagePaused', 'lineage="math"'],
    series: [ALIVE, ['regraft_lineage_paused{lineage="math"}', '1x4400']],
    firesAt: 4330,
    silentAt: [4300],
  },
];

describe('in a Prometheus that is fed minute by minute', () => {
  it('every alert has its scenario', () => {
    expect(SCENARIOS.map(({ firing }) => firing[0])).toEqual(alerts().map(({ name }) => name));
  });

  it.each(SCENARIOS)(
    '$firing.0 fires, alone, when it should and not before',
    ({ firing, series, firesAt, silentAt }) => {
      expectFiring(series, firesAt, [firing]);
      for (const minutes of silentAt) expectFiring(series, minutes, []);
    },
  );

  it('nothing fires where all is well', () => {
    const well: readonly Series[] = [
      ALIVE,
      [`regraft_train_step{${RUN}}`, '0+10x300'],
      [`regraft_run_stage{${RUN},stage="finetune"}`, '1x300'],
      [`regraft_convergence_state{${RUN},state="improving"}`, '1x300'],
      [`regraft_convergence_state{${RUN},state="diverging"}`, '0x300'],
      [`regraft_training_continuity_total{${ARM},verdict="verified"}`, '_x10 1x300'],
      [`regraft_training_continuity_total{${ARM},verdict="broken"}`, '0x300'],
      [`regraft_training_ends_total{${ARM},end="preempted"}`, '0+1x4 4x300'],
      [`regraft_runs_total{${ARM},outcome="succeeded"}`, '_x10 1+1x200'],
      ['regraft_gate_decisions_total{lineage="math",decision="pass"}', '_x10 1+1x200'],
      ['regraft_lineage_paused{lineage="math"}', '0x300'],
      [`regraft_stale_writes_refused_total{${ARM}}`, '0x300'],
      ['temporal_activity_execution_failed_total{activity_type="fetch"}', '0x10 1x20 2x300'],
      ['temporal_activity_schedule_to_start_latency_seconds_sum{task_queue="regraft-io"}', '0+10x300'],
    ];
    for (const minutes of [15, 60, 240]) expectFiring(well, minutes, []);
  });

  it('a training that another worker took over does not stand still for its old page', () => {
    const takenOver: readonly Series[] = [
      ALIVE,
      [`regraft_train_step{${RUN},instance="a"}`, '0+10x20 200x300'],
      [`regraft_train_step{${RUN},instance="b"}`, '_x20 200+10x300'],
      [`regraft_run_stage{${RUN},stage="finetune",instance="b"}`, '1x300'],
    ];
    expectFiring(takenOver, 200, []);
  });
});
