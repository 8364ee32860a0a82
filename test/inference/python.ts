import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const ROOT = join(import.meta.dirname, '..', '..');

/** Runs make-models.py on one thread, with `input` as JSON on its standard input, and returns the JSON that it prints. */
export async function makeModels(args: readonly string[], input?: unknown): Promise<unknown> {
  const script = join(import.meta.dirname, 'make-models.py');
  const env = { ...process.env, OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1', CUDA_VISIBLE_DEVICES: '' };
  const child = spawn(join(ROOT, '.venv', 'bin', 'python'), [script, ...args], { env });
  child.stdin.end(input === undefined ? '' : JSON.stringify(input));
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`make-models.py ended with ${String(child.exitCode)}: ${errors}`);
  return JSON.parse(output);
}
