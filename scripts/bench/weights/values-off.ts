import { fileURLToPath } from 'node:url';
import { runQuietly } from '../../lib/run-quietly.mjs';

const COUNT = fileURLToPath(new URL('python/count_values_off.py', import.meta.url));

/** How many values of the model in `found` are not, bit for bit, those of `expected`; all are compared. */
export async function valuesOff(found: string, expected: string, python: string): Promise<number> {
  const { ok, output } = await runQuietly(python, [COUNT, found, expected], { cwd: found });
  const off = /^(\d+) \d+$/.exec(output.trim())?.[1];
  if (!ok || off === undefined)
    throw new Error(`${found} could not be compared with ${expected}:\n${output.trimEnd()}`);
  return Number(off);
}
