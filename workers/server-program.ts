import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { RegraftError } from '../contracts/error.ts';
import { PROJECT_ROOT } from './settings.ts';

/** `temporal` on PATH, else the one in the project's venv. @throws RegraftError TEMPORAL_MISSING */
export async function findServerProgram(
  environment: Readonly<Record<string, string | undefined>>,
  venv = path.join(PROJECT_ROOT, '.venv'),
): Promise<string> {
  const onPath = (environment['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  for (const folder of [...onPath, path.join(venv, 'bin')]) {
    const program = path.join(folder, 'temporal');
    if (await isProgram(program)) return program;
  }
  throw new RegraftError(
    'TEMPORAL_MISSING',
    'No `temporal` program was found on PATH or in .venv/bin; run `npm run setup`, or set TEMPORAL_ADDRESS to a server of your own.',
  );
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile(); // a folder may be called so too
  } catch {
    return false;
  }
}
