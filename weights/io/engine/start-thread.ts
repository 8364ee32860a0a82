import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { StreamOrder } from './stream-files.ts';

const COMPILED = new URL('./thread.js', import.meta.url);
const SOURCE = fileURLToPath(new URL('./thread.ts', import.meta.url));
let bundled: Promise<URL> | null = null;

/**
 * Starts a thread on an order. Where the engine runs from its TypeScript sources the thread's are put together once, in
 * memory: a loader of its own in every thread would take longer to start than the work of a small model.
 */
export async function startThread(order: StreamOrder): Promise<Worker> {
  if (existsSync(COMPILED)) return new Worker(COMPILED, { workerData: order });
  bundled ??= bundle();
  return new Worker(await bundled, { workerData: order, execArgv: [] });
}

async function bundle(): Promise<URL> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [SOURCE],
    ...{ bundle: true, write: false, platform: 'node', format: 'esm', target: 'node20' },
  });
  return new URL(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? '')}`);
}
