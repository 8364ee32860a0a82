import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { freePort } from '../../workers/loopback-ports.ts';
import { findOnPath } from './find-on-path.ts';

const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 5_000;
const REQUEST_WITHIN_MS = 10_000;

/** One series of an instant query's answer; `value` may be NaN. */
export interface PrometheusSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One series of a range query's answer. */
export interface PrometheusSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly { readonly timeSeconds: number; readonly value: number }[];
}

/** A real Prometheus that belongs to a test. */
export interface Prometheus {
  readonly url: string;
  /** Instant query, now. Throws Prometheus' own words when the expression is wrong. */
  query(expr: string): Promise<readonly PrometheusSample[]>;
  queryRange(
    expr: string,
    range: { readonly from: Date; readonly to: Date; readonly stepSeconds: number },
  ): Promise<readonly PrometheusSeries[]>;
  /** The expression as Prometheus prints it. Throws when its syntax is wrong. */
  format(expr: string): Promise<string>;
  /** Ends the process and removes its folder; again: nothing. */
  stop(): Promise<void>;
}

/**
 * Starts Prometheus on a free loopback port with a folder of its own, scraping `targets` (`host:port`, path /metrics)
 * every second. Its first scrape comes about six seconds after the start. Only its own child is ever ended.
 */
export async function startPrometheus(targets: readonly string[]): Promise<Prometheus> {
  const executable = await findOnPath('prometheus');
  const folder = await mkdtemp(join(tmpdir(), 'regraft-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  await writeFile(config, scrapeConfig(targets));
  const address = `127.0.0.1:${String(await freePort())}`;
  const child = spawn(
    executable,
    [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=${address}`],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'] } },
  );
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-4000);
  });
  const url = `http://${address}`;
  const stop = () => end(child, folder);
  try {
    await waitUntilReady(url, child);
  } catch (error) {
    await stop();
    throw new Error(`prometheus on ${address}: did not get ready; it said: ${log}`, { cause: error });
  }
  return {
    url,
    query: async (expr) => {
      const { result } = vectorSchema.parse(await ask(url, 'query', { query: expr }));
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    queryRange: async (expr, { from, to, stepSeconds }) => {
      const bounds = { start: from.toISOString(), end: to.toISOString(), step: String(stepSeconds) };
      const { result } = matrixSchema.parse(await ask(url, 'query_range', { query: expr, ...bounds }));
      return result.map(({ metric, values }) => ({
        labels: metric,
        points: values.map(([timeSeconds, value]) => ({ timeSeconds, value: Number(value) })),
      }));
    },
    format: async (expr) => z.string().parse(await ask(url, 'format_query', { query: expr })),
    stop,
  };
}

const pointSchema = z.tuple([z.number(), z.string()]);
const labelsSchema = z.record(z.string(), z.string());
const vectorSchema = z.object({
  resultType: z.literal('vector'),
  result: z.array(z.object({ metric: labelsSchema, value: pointSchema })),
});
const matrixSchema = z.object({
  resultType: z.literal('matrix'),
  result: z.array(z.object({ metric: labelsSchema, values: z.array(pointSchema) })),
});
const answerSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('success'), data: z.unknown() }),
  z.object({ status: z.literal('error'), error: z.string() }),
]);

async function ask(url: string, endpoint: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
  const response = await fetch(`${url}/api/v1/${endpoint}`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
    signal: AbortSignal.timeout(REQUEST_WITHIN_MS),
  });
  const answer = answerSchema.parse(await response.json());
  if (answer.status === 'error') throw new Error(`${endpoint} of ${parameters['query'] ?? ''}: ${answer.error}`);
  return answer.data;
}

function scrapeConfig(targets: readonly string[]): string {
  return JSON.stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [{ job_name: 'regraft', static_configs: [{ targets }] }],
  });
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`it exited with code ${String(child.exitCode)}.`);
    const ready = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(1000) }).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await sleep(100);
  }
  throw new Error(`it was not ready within ${String(READY_WITHIN_MS)} ms.`);
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await exited;
    clearTimeout(timer);
  }
  await rm(folder, { recursive: true, force: true });
}
