import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Says that a folder holds what a benchmark made and nothing else. */
const MARK = '.regraft-bench';

/**
 * Makes the folder of a benchmark, or takes the one that is there. Throws where it holds something else: a benchmark removes
 * what it finds under its own names.
 */
export async function openBenchFolder(folder: string): Promise<void> {
  await refuseForeign(folder);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, MARK), '');
}

/** Removes it and all that is in it; nothing where there is none. Throws where it holds something else. */
export async function removeBenchFolder(folder: string): Promise<void> {
  await refuseForeign(folder);
  await rm(folder, { recursive: true, force: true });
}

async function refuseForeign(folder: string): Promise<void> {
  const names = await namesIn(folder);
  if (names.length === 0 || names.includes(MARK)) return;
  throw new Error(`${folder}: not a benchmark's folder, expected an empty one or none; name another with --folder.`);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
