import { readdir } from 'node:fs/promises';
import { isErrno } from './atomic-file.ts';

/** Names of what a folder holds; none when it is not there. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
