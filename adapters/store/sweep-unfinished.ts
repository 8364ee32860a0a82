import { lstat, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { isErrno } from './atomic-file.ts';

/** So old, nobody is at it any more: what is being written changes all the time. */
export const ABANDONED_AFTER_MS = 24 * 3_600_000;

/** As files, folders and links are called that are made beside their place and then renamed; random digits at the end. */
const UNFINISHED = /(\.partial|^\.(incoming|current|previous))-([0-9a-f]{12}|[0-9a-f]{16})(-damaged)?$/;

/**
 * Removes what a killed process left unfinished below a folder, if nothing has changed it for so long. Age is that of the
 * inode, which a hard link makes young. Returns how many there were. Two may do it at once, and others may work there
 * meanwhile. @throws the signal's reason once it is aborted
 */
export async function sweepUnfinished(
  folder: string,
  olderThanMs: number,
  nowMs: number,
  signal?: AbortSignal,
): Promise<number> {
  let swept = 0;
  for (const entry of await entriesOf(folder)) {
    signal?.throwIfAborted();
    const child = path.join(folder, entry.name);
    if (!UNFINISHED.test(entry.name)) {
      if (entry.isDirectory()) swept += await sweepUnfinished(child, olderThanMs, nowMs, signal);
    } else if (await isOlder(child, nowMs - olderThanMs)) {
      await rm(child, { recursive: true, force: true });
      swept += 1;
    }
  }
  return swept;
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []; // finished or swept meanwhile
    throw error;
  }
}

async function isOlder(file: string, thanMs: number): Promise<boolean> {
  try {
    return (await lstat(file)).ctimeMs <= thanMs;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
