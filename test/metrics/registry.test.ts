import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../metrics/catalogue.ts';
import { createMetrics } from '../../metrics/registry.ts';
import { findOnPath } from '../support/find-on-path.ts';
import { recordOneSampleEach } from './one-sample-each.ts';

/** Lines of the page that are samples. */
async function samplesOf(metrics: { exposition(): Promise<string> }): Promise<readonly string[]> {
  return (await metrics.exposition()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('the metrics page', () => {
  it('tells type and help of every metric, and a sample once it has one', async () => {
    const metrics = createMetrics();
    recordOneSampleEach(metrics);
    const page = await metrics.exposition();
    for (const { name, kind, help } of Object.values(CATALOGUE)) {
      expect(page).toContain(`# TYPE ${name} ${kind}\n`);
      expect(page).toContain(`# HELP ${name} ${help}\n`);
      expect(page).toMatch(new RegExp(`^${name}${kind === 'histogram' ? '_count' : ''}(\\{.*\\})? [0-9.e-]+$`, 'm'));
    }
    expect(page.endsWith('\n')).toBe(true);
    expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('passes promtool, with no lint', async () => {
    const metrics = createMetrics();
    recordOneSampleEach(metrics);
    const input = await metrics.exposition();
    const promtool = spawnSync(await findOnPath('promtool'), ['check', 'metrics'], { input, encoding: 'utf8' });
    expect({ status: promtool.status, said: promtool.stdout + promtool.stderr }).toEqual({ status: 0, said: '' });
  });

  it('shows no series before the first value, save the flag without labels at 0', async () => {
    expect(await samplesOf(createMetrics())).toEqual(['regraft_core_scrape_ok 0']);
  });

  it('shares nothing with the metrics of another', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.publications.increment({ lineage: 'math' });
    expect(await samplesOf(one)).toContain('regraft_publications_total{lineage="math"} 1');
    expect((await samplesOf(other)).join()).not.toContain('publications');
  });
});

describe('a recorder', () => {
  it('keeps the newest value of a gauge, adds up a counter, and sorts into a histogram’s buckets', async () => {
    const metrics = createMetrics();
    metrics.bestScore.set({ lineage: 'math', release: 'M2', arm: 'plain' }, 0.25);
    metrics.bestScore.set({ lineage: 'math', release: 'M2', arm: 'plain' }, 0.5);
    metrics.publications.increment({ lineage: 'math' });
    metrics.publications.increment({ lineage: 'math' }, 2);
    metrics.runStageSeconds.observe({ lineage: 'math', arm: 'plain', stage: 'gate' }, 0.2);
    const samples = await samplesOf(metrics);
    expect(samples).toContain('regraft_best_score{lineage="math",release="M2",arm="plain"} 0.5');
    expect(samples).toContain('regraft_publications_total{lineage="math"} 3');
    const bucket = (le: string, count: number) =>
      `regraft_run_stage_seconds_bucket{le="${le}",lineage="math",arm="plain",stage="gate"} ${String(count)}`;
    expect(samples).toEqual(expect.arrayContaining([bucket('0.1', 0), bucket('0.3', 1), bucket('+Inf', 1)]));
  });

  it('leaves out what is not a label of the metric', async () => {
    const metrics = createMetrics();
    const wider = { lineage: 'math', release: 'M2', arm: 'plain', runId: 'b1946ac9' } as const;
    metrics.trainStep.set(wider, 7);
    expect(await samplesOf(metrics)).toContain('regraft_train_step{lineage="math",release="M2",arm="plain"} 7');
  });

  it('refuses by type a missing label, an unknown label and a value outside the list', () => {
    const metrics = createMetrics();
    const misuse = () => {
      // @ts-expect-error -- the release is missing
      metrics.trainStep.set({ lineage: 'math', arm: 'plain' }, 1);
      // @ts-expect-error -- a counter by lineage has no arm
      metrics.publications.increment({ lineage: 'math', arm: 'plain' });
      // @ts-expect-error -- no training begins like this
      metrics.trainingStarts.increment({ lineage: 'math', arm: 'plain', how: 'restarted' });
      // @ts-expect-error -- a gauge is set, not incremented
      metrics.trainStep.increment({ lineage: 'math', release: 'M2', arm: 'plain' }); // eslint-disable-line @typescript-eslint/no-unsafe-call -- that it has no type is the claim
    };
    expect(misuse).toThrow('increment is not a function');
  });

  it('refuses to count down', () => {
    expect(() => {
      createMetrics().publications.increment({ lineage: 'math' }, -1);
    }).toThrow();
  });
});

describe('forget', () => {
  it('removes every series of the release and leaves those of others', async () => {
    const metrics = createMetrics();
    for (const release of ['M1', 'M2']) {
      metrics.trainStep.set({ lineage: 'math', release, arm: 'plain' }, 1);
      metrics.evaluationScore.set({ lineage: 'math', release, arm: 'plain', suite: 'addition' }, 0.5);
      metrics.releaseLagSeconds.set({ lineage: 'math', release }, 1);
    }
    metrics.trainStep.set({ lineage: 'chat', release: 'M1', arm: 'plain' }, 1);
    metrics.forget({ lineage: 'math', release: 'M1' });
    const page = (await samplesOf(metrics)).join('\n');
    expect(page).not.toContain('lineage="math",release="M1"');
    expect(page.match(/lineage="math",release="M2"/g)).toHaveLength(3);
    expect(page).toContain('regraft_train_step{lineage="chat",release="M1",arm="plain"} 1');
  });

  it('removes one arm alone when told, and not what the arms share', async () => {
    const metrics = createMetrics();
    metrics.trainStep.set({ lineage: 'math', release: 'M1', arm: 'plain' }, 1);
    metrics.trainStep.set({ lineage: 'math', release: 'M1', arm: 'iterative' }, 1);
    metrics.releaseLagSeconds.set({ lineage: 'math', release: 'M1' }, 1);
    metrics.forget({ lineage: 'math', release: 'M1', arm: 'plain' });
    expect(await samplesOf(metrics)).toEqual([
      'regraft_train_step{lineage="math",release="M1",arm="iterative"} 1',
      'regraft_release_lag_seconds{lineage="math",release="M1"} 1',
      'regraft_core_scrape_ok 0',
    ]);
  });

  it('never removes counters and histograms by lineage, nor what was not there', async () => {
    const metrics = createMetrics();
    recordOneSampleEach(metrics);
    const before = await samplesOf(metrics);
    metrics.forget({ lineage: 'math', release: 'M9' });
    expect(await samplesOf(metrics)).toEqual(before);
    metrics.forget({ lineage: 'math', release: 'M2' });
    metrics.forget({ lineage: 'math', release: 'M2' });
    expect(await samplesOf(metrics)).toEqual(before.filter((line) => !line.includes('release="M2"')));
  });

  it('shows the eight most recently touched releases of each lineage', async () => {
    const metrics = createMetrics();
    metrics.touch({ lineage: 'code', release: 'M1' });
    metrics.trainStep.set({ lineage: 'code', release: 'M1', arm: 'plain' }, 1);
    for (let number = 1; number <= 10; number += 1) {
      const run = { lineage: 'math', release: `M${String(number)}` };
      metrics.touch(run);
      metrics.trainStep.set({ ...run, arm: 'plain' }, number);
    }
    const shown = [...(await metrics.exposition()).matchAll(/^regraft_train_step\{lineage="(\w+)",release="(\w+)"/gm)];
    const ofMath = shown.filter(([, lineage]) => lineage === 'math').map(([, , release]) => release);
    expect(ofMath).toEqual(['M3', 'M4', 'M5', 'M6', 'M7', 'M8', 'M9', 'M10']);
    expect(shown).toHaveLength(8 + 1);
  });

  it('lets a forgotten series come back', async () => {
    const metrics = createMetrics();
    const run = { lineage: 'math', release: 'M1', arm: 'plain' } as const;
    metrics.trainStep.set(run, 1);
    metrics.forget(run);
    metrics.trainStep.set(run, 2);
    expect(await samplesOf(metrics)).toContain('regraft_train_step{lineage="math",release="M1",arm="plain"} 2');
  });
});
