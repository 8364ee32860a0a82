import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFailure } from '../../lib/explain-failure.mjs';
import { runQuietly } from '../../lib/run-quietly.mjs';

export const MERGEKIT_VERSION = '0.1.5';
/** With what its merging imports and .venv lacks; its other requirements serve commands that are not run here. */
const PACKAGES = [`mergekit==${MERGEKIT_VERSION}`, 'immutables==0.21'];

/** Prints the folder of an environment's packages. */
const SITE = 'import sysconfig; print(sysconfig.get_path("purelib"))';

/**
 * Makes an environment for mergekit in `folder`, unless it is there: its own packages first, then those of .venv (torch,
 * transformers), so that it computes with the same libraries and takes 30 MB. Interrupted: begun anew the next time.
 * @returns its `mergekit-yaml`
 */
export async function makeMergekit(folder: string, python: string): Promise<string> {
  const program = join(folder, 'bin', 'mergekit-yaml');
  const stamp = join(folder, '.complete');
  const wanted = PACKAGES.join(' ');
  const made = await readFile(stamp, 'utf8').catch(() => null);
  if (made === wanted && existsSync(program)) return program;
  await rm(folder, { recursive: true, force: true });
  const own = join(folder, 'bin', 'python');
  await run(python, ['-m', 'venv', folder]);
  const link = join((await run(own, ['-c', SITE])).trim(), 'regraft.pth');
  await writeFile(link, await run(python, ['-c', SITE]));
  await run(own, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', ...PACKAGES]);
  await writeFile(stamp, wanted);
  return program;
}

/** mergekit's own words for target + (tuned − base); paths must be absolute. */
export function mergekitConfig(folders: {
  readonly target: string;
  readonly tuned: string;
  readonly base: string;
}): string {
  const model = (path: string, weight: string): string =>
    `  - model: ${JSON.stringify(path)}\n    parameters: {weight: ${weight}}`;
  return [
    'merge_method: task_arithmetic',
    `base_model: ${JSON.stringify(folders.target)}`,
    'models:',
    model(folders.tuned, '1.0'),
    model(folders.base, '-1.0'),
    'parameters: {normalize: false}',
    'dtype: bfloat16',
    '',
  ].join('\n');
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const { ok, output } = await runQuietly(command, args, { cwd: process.cwd() });
  if (!ok) throw new Error(`${explainFailure('installing mergekit', output)}\n${output.trimEnd()}`);
  return output;
}
