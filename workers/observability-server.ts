import { Hono } from 'hono';
import { serveApp, type ServedApp } from '../adapters/http/serve-app.ts';
import { mergeExpositions } from '../metrics/merge-expositions.ts';
import type { Metrics } from '../metrics/registry.ts';

const CORE_TIMEOUT_MS = 2_000;

/**
 * /metrics (ours and Temporal Core's, on one page) and /healthz, on loopback. When Core does not answer, ours are served
 * alone and `regraft_core_scrape_ok` is 0.
 *
 * @throws RegraftError METRICS_PORT_UNAVAILABLE
 */
export async function startObservabilityServer(options: {
  readonly port: number;
  readonly metrics: Metrics;
  readonly coreUrl: string;
  readonly health: () => { readonly ok: boolean; readonly states: Readonly<Record<string, string>> };
}): Promise<ServedApp> {
  const { metrics, coreUrl, health } = options;
  const app = new Hono();
  app.get('/metrics', async (context) => {
    const core = await scrapeCore(coreUrl);
    metrics.coreScrapeOk.set({}, core === null ? 0 : 1);
    const page = mergeExpositions(await metrics.exposition(), core ?? '');
    return context.text(page, 200, { 'Content-Type': metrics.contentType });
  });
  app.get('/healthz', (context) => {
    const state = health();
    return context.json(state, state.ok ? 200 : 503);
  });
  return serveApp(app, {
    port: options.port,
    host: '127.0.0.1',
    unavailable: {
      code: 'METRICS_PORT_UNAVAILABLE',
      what: '/metrics',
      todo: 'name another with --metrics-port, 0 takes a free one',
    },
  });
}

async function scrapeCore(url: string): Promise<string | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(CORE_TIMEOUT_MS) });
    return response.ok ? await response.text() : null;
  } catch {
    return null; // told by regraft_core_scrape_ok
  }
}
