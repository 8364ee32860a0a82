import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { WeightsError } from '../errors.ts';
import { isRecord } from '../plan/is-record.ts';
import { isErrno, toWeightsError } from './fs-error.ts';

/** Gives a lock back. */
export type Release = () => Promise<void>;

interface Holder {
  readonly host: string;
  readonly pid: number;
  /** When that process began, so that a number used again is not taken for it; '' where the system does not say. */
  readonly started: string;
}

/**
 * Takes a file as a lock for this process; one whose process has ended on this host does not count. Errors: WEIGHTS_OUTPUT_BUSY
 * (retryable) while another holds it, WEIGHTS_IO_FAILED.
 */
export async function takeFolderLock(path: string, subject: string): Promise<Release> {
  const mine: Holder = { host: hostname(), pid: process.pid, started: await startOf(process.pid) };
  for (;;) {
    if (await tryTake(path, JSON.stringify(mine))) {
      return async () => {
        await rm(path, { force: true });
      };
    }
    const text = await readLock(path);
    if (text === null) continue;
    const holder = parseHolder(text);
    if (holder !== null && (await isAlive(holder))) throw busy(subject, path, holder);
    await removeStale(path, text);
  }
}

/** The lock appears with its text in one step: nobody can take one that is being written for a dead process' half. */
async function tryTake(path: string, text: string): Promise<boolean> {
  const draft = asideOf(path);
  try {
    await writeFile(draft, text, { flag: 'wx' });
    await link(draft, path).catch(async (error: unknown) => {
      if (!isErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error;
      await writeFile(path, text, { flag: 'wx' }); // a file system without links: the next best
    });
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw toWeightsError(error, path);
  } finally {
    await rm(draft, { force: true });
  }
}

function asideOf(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}`;
}

async function readLock(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw toWeightsError(error, path);
  }
}

/** Null for a lock that the disk has damaged. */
function parseHolder(text: string): Holder | null {
  let holder: unknown;
  try {
    holder = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(holder)) return null;
  const { host, pid, started } = holder;
  const isWhole = typeof host === 'string' && typeof pid === 'number' && typeof started === 'string';
  return isWhole ? { host, pid, started } : null;
}

async function isAlive({ host, pid, started }: Holder): Promise<boolean> {
  if (host !== hostname()) return true; // nobody here can know
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
  }
  return (await startOf(pid)) === started;
}

/** The 22nd field of /proc/PID/stat; '' where there is no such file. */
async function startOf(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return ''; // another system, or the process has just ended
  }
}

/** Moves a dead process' lock aside before it is removed: one that another has taken in between is put back. */
async function removeStale(path: string, seen: string): Promise<void> {
  const aside = asideOf(path);
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) === seen) await rm(aside);
    else await rename(aside, path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw toWeightsError(error, path);
  }
}

function busy(subject: string, path: string, { host, pid }: Holder): WeightsError {
  const message = `${subject}: found process ${String(pid)} on ${host} writing it, expected nobody; wait for it, or, if that host is gone, remove ${path}.`;
  return new WeightsError('WEIGHTS_OUTPUT_BUSY', message, { path, pid, host }, { retryable: true });
}
