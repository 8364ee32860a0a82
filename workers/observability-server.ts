import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { isErrno } from '../adapters/store/atomic-file.ts';
import { messageOf, RegraftError } from '../contracts/error.ts';
import { mergeExpositions } from '../metrics/merge-expositions.ts';
import type { Metrics } from '../metrics/registry.ts';

const CORE_TIMEOUT_MS = 2_000;

export interface ObservabilityServer {
  /** e.g. http://127.0.0.1:7273 */
  readonly url: string;
  close(): Promise<void>;
}

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
}): Promise<ObservabilityServer> {
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
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port: options.port, hostname: '127.0.0.1' }, ({ port }) => {
      resolve({
        url: `http://127.0.0.1:${String(port)}`,
        close: () =>
          new Promise((done) => {
            server.close(() => {
              done();
            });
          }),
      });
    });
    server.on('error', (error) => {
      const why = isErrno(error, 'EADDRINUSE') ? 'another program uses it' : messageOf(error);
      reject(
        new RegraftError(
          'METRICS_PORT_UNAVAILABLE',
          `Port ${String(options.port)} for /metrics cannot be opened: ${why}; name another with --metrics-port, 0 takes a free one.`,
          { retryable: true },
        ),
      );
    });
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
