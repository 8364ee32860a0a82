import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderDashboards } from '../../dashboards/generate.ts';
import { mergeExpositions } from '../../metrics/merge-expositions.ts';
import { createMetrics } from '../../metrics/registry.ts';
import { recordOneSampleEach } from '../metrics/one-sample-each.ts';
import { panelQueries } from '../support/panel-queries.ts';
import { startPrometheus } from '../support/prometheus.ts';
import type { Prometheus } from '../support/prometheus.ts';

const QUERIES = [...renderDashboards().values()].flatMap(panelQueries);

let server: Server;
let prometheus: Prometheus;

/** What Temporal Core showed of a real worker, less the failures: where all went well that series does not exist. */
function coreWithoutFailures(): string {
  const recorded = readFileSync(new URL('core-exposition.txt', import.meta.url), 'utf8');
  return recorded.replaceAll(/^.*temporal_activity_execution_failed_total.*\n/gm, '');
}

beforeAll(async () => {
  const metrics = createMetrics();
  recordOneSampleEach(metrics);
  const page = mergeExpositions(await metrics.exposition(), coreWithoutFailures());
  server = createServer((_, response) => response.setHeader('Content-Type', metrics.contentType).end(page));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('metrics page: the server has no port.');
  prometheus = await startPrometheus([`127.0.0.1:${String(address.port)}`]);
  await scrapedTwice();
});

/** A rate needs two samples. */
async function scrapedTwice(): Promise<void> {
  const deadline = Date.now() + 45_000;
  while (Date.now() < deadline) {
    const [sample] = await prometheus.query('sum(count_over_time(up[1m]) * up)');
    if (sample !== undefined && sample.value >= 2) return;
    await sleep(200);
  }
  throw new Error('prometheus: did not scrape the page twice in time.');
}

afterAll(async () => {
  await prometheus.stop();
  server.close();
});

describe('in a real Prometheus that scraped one sample of every metric', () => {
  it('each of the 38 panels asks in right syntax', async () => {
    expect(QUERIES).toHaveLength(38);
    for (const { expr } of QUERIES) expect(await prometheus.format(expr)).not.toBe('');
  });

  it.each(QUERIES)('the panel “$panel” has data', async ({ expr }) => {
    const samples = await prometheus.query(expr);
    expect(samples.length).toBeGreaterThan(0);
    expect(samples.filter(({ value }) => !Number.isFinite(value))).toEqual([]);
  });

  it('the progress is the share of the planned steps, and no failures count as 0', async () => {
    const valueOf = async (panel: string) => {
      const query = QUERIES.find((candidate) => candidate.panel === panel);
      return (await prometheus.query(query?.expr ?? '')).map(({ value }) => value);
    };
    expect(await valueOf('Training progress')).toEqual([0.5]);
    expect(await valueOf('Mean duration of a stage')).toEqual([45]);
    expect(await valueOf('Failed activity attempts')).toEqual([0, 0]);
  });

  it('the template variables find the lineage and the release', async () => {
    const [sample] = await prometheus.query('regraft_train_step');
    expect(sample?.labels).toMatchObject({ lineage: 'math', release: 'M2', arm: 'iterative' });
  });

  it('a curve comes back point by point', async () => {
    const to = new Date();
    const range = { from: new Date(to.getTime() - 30_000), to, stepSeconds: 1 };
    const [curve] = await prometheus.queryRange('regraft_train_loss_nats', range);
    expect(curve?.points.at(-1)?.value).toBe(1.25);
  });

  it('a query for what does not exist has no data, and one in wrong syntax is refused', async () => {
    expect(await prometheus.query('regraft_train_losses')).toEqual([]);
    await expect(prometheus.query('sum by (')).rejects.toThrow('parse error');
    await expect(prometheus.format('sum by (')).rejects.toThrow('parse error');
  });
});
