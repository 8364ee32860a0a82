import { createServer, type RequestListener } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMetrics, type Metrics } from '../../metrics/registry.ts';
import { freePort } from '../../workers/loopback-ports.ts';
import type { ServedApp } from '../../adapters/http/serve-app.ts';
import { startObservabilityServer } from '../../workers/observability-server.ts';

const CORE_PAGE = '# TYPE temporal_request_total counter\ntemporal_request_total{operation="poll"} 7\n# EOF\n';

/** A server that stands in the place of Temporal Core's metrics; returns its address. */
async function startCore(answer: RequestListener): Promise<string> {
  const core = createServer(answer);
  await new Promise<void>((resolve) => core.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    core.closeAllConnections();
    core.close();
  });
  return `http://127.0.0.1:${String((core.address() as AddressInfo).port)}/metrics`;
}

interface Setting {
  readonly metrics?: Metrics;
  readonly coreUrl?: string;
  readonly port?: number;
  readonly health?: Parameters<typeof startObservabilityServer>[0]['health'];
}

async function startServer(setting: Setting = {}): Promise<ServedApp> {
  const server = await startObservabilityServer({
    port: setting.port ?? 0,
    metrics: setting.metrics ?? createMetrics(),
    coreUrl: setting.coreUrl ?? `http://127.0.0.1:${String(await freePort())}/metrics`,
    health: setting.health ?? (() => ({ ok: true, states: { gpu: 'RUNNING' } })),
  });
  onTestFinished(() => server.close());
  return server;
}

const portOf = ({ url }: ServedApp): number => Number(new URL(url).port);

/** What reaches a port of an address of this machine. */
async function dial(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, host);
    socket.once('error', (error) => {
      resolve(error.message);
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
  });
}

describe('/metrics', () => {
  it('has ours and Core’s on one page, and says that Core answered', async () => {
    const metrics = createMetrics();
    metrics.lineagePaused.set({ lineage: 'tiny' }, 1);
    const coreUrl = await startCore((_request, response) => response.end(CORE_PAGE));
    const response = await fetch(`${(await startServer({ metrics, coreUrl })).url}/metrics`);
    const page = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(metrics.contentType);
    expect(page).toContain('regraft_lineage_paused{lineage="tiny"} 1\n');
    expect(page).toContain('temporal_request_total{operation="poll"} 7\n');
    expect(page).toContain('regraft_core_scrape_ok 1\n');
    expect(page).not.toContain('# EOF');
  });

  it.each([
    ['is not there', async () => `http://127.0.0.1:${String(await freePort())}/metrics`],
    ['answers with an error', () => startCore((_request, response) => response.writeHead(500).end('no'))],
    ['says nothing for seconds', () => startCore(() => undefined)],
  ])('has ours alone and says so when Core %s', async (_what, core) => {
    const metrics = createMetrics();
    metrics.lineagePaused.set({ lineage: 'tiny' }, 0);
    const response = await fetch(`${(await startServer({ metrics, coreUrl: await core() })).url}/metrics`);
    const page = await response.text();
    expect(response.status).toBe(200);
    expect(page).toContain('regraft_core_scrape_ok 0\n');
    expect(page).toContain('regraft_lineage_paused{lineage="tiny"} 0\n');
    expect(page).not.toContain('temporal_');
  });

  it('says again that Core answers once it does', async () => {
    let isUp = false;
    const coreUrl = await startCore((_request, response) =>
      isUp ? response.end(CORE_PAGE) : response.writeHead(503).end(),
    );
    const { url } = await startServer({ coreUrl });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('regraft_core_scrape_ok 0\n');
    isUp = true;
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('regraft_core_scrape_ok 1\n');
  });
});

describe('/healthz', () => {
  it('is 200 while all is well and 503 once it is not, with every queue’s state', async () => {
    let state = { ok: true, states: { control: 'RUNNING', gpu: 'RUNNING' } };
    const { url } = await startServer({ health: () => state });
    const well = await fetch(`${url}/healthz`);
    expect([well.status, await well.json()]).toEqual([200, state]);
    state = { ok: false, states: { control: 'RUNNING', gpu: 'STOPPED' } };
    const ill = await fetch(`${url}/healthz`);
    expect([ill.status, await ill.json()]).toEqual([503, state]);
  });
});

describe('the observability server', () => {
  it('listens on loopback only', async () => {
    const server = await startServer();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const others = Object.values(os.networkInterfaces()).flatMap((addresses) =>
      (addresses ?? []).filter(({ family, internal }) => family === 'IPv4' && !internal),
    );
    // 127.0.0.2 is this machine on every Linux, and is not answered by what listens on 127.0.0.1 alone.
    const hosts = ['127.0.0.2', ...others.map(({ address }) => address)];
    for (const host of hosts) expect([host, await dial(host, portOf(server))]).not.toEqual([host, 'connected']);
    expect(await dial('127.0.0.1', portOf(server))).toBe('connected');
  });

  it('takes the port that it is given, and says in a sentence when another has it', async () => {
    const server = await startServer({ port: await freePort() });
    await expect(startServer({ port: portOf(server) })).rejects.toMatchObject({
      code: 'METRICS_PORT_UNAVAILABLE',
      message: `Port ${String(portOf(server))} of 127.0.0.1 for /metrics cannot be opened: another program uses it; name another with --metrics-port, 0 takes a free one.`,
    });
  });

  it('frees its port when it is closed, though a scraper keeps its connection', async () => {
    const server = await startServer();
    await (await fetch(`${server.url}/healthz`)).text(); // fetch keeps the connection alive
    await server.close();
    await expect(startServer({ port: portOf(server) })).resolves.toMatchObject({ url: server.url });
  });
});
