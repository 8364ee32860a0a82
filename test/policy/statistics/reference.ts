import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const answersSchema = z.record(z.string(), z.array(z.unknown()));

/**
 * What scipy and statsmodels say to lists of cases, by kind (reference.py), all in one process on one thread. Needs the
 * Python environment that `node scripts/setup.mjs --evaluation` makes.
 */
export async function askReference(
  cases: Readonly<Record<string, readonly (readonly unknown[])[]>>,
): Promise<z.output<typeof answersSchema>> {
  const python = join(ROOT, '.venv-evaluation', 'bin', 'python');
  const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
  const child = spawn(python, [join(import.meta.dirname, 'reference.py')], { env });
  child.stdin.end(JSON.stringify(cases));
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`reference.py ended with ${String(child.exitCode)}: ${errors}`);
  return answersSchema.parse(JSON.parse(output));
}
