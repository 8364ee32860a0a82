import { readFile } from 'node:fs/promises';
import { isErrno } from '../store/atomic-file.ts';

/** Names one process for ever: a pid alone is reused. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot (field 22 of /proc/PID/stat). */
  readonly startTicks: number;
  /** Random id of the boot it belongs to. */
  readonly bootId: string;
}

/** Identity of a running process. @throws Error when it does not run. */
export async function readProcessIdentity(pid: number): Promise<ProcessIdentity> {
  const found = await statOf(pid);
  if (found === null) throw new Error(`process ${String(pid)} does not run`);
  return { pid, startTicks: found.startTicks, bootId: await readBootId() };
}

/** True while exactly this process runs; one that has ended but was not yet collected counts as ended. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  if ((await readBootId()) !== identity.bootId) return false;
  const found = await statOf(identity.pid);
  return found !== null && found.startTicks === identity.startTicks && found.state !== 'Z' && found.state !== 'X';
}

/**
 * True when a process group with this id can only be the one that this process led, whether or not it is still there
 * itself: a group's id is given to nobody else while one member lives.
 */
export async function ownsItsGroup(identity: ProcessIdentity): Promise<boolean> {
  if ((await readBootId()) !== identity.bootId) return false;
  const found = await statOf(identity.pid);
  return found === null || found.startTicks === identity.startTicks;
}

async function statOf(pid: number): Promise<{ readonly state: string; readonly startTicks: number } | null> {
  try {
    const text = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? 'X', startTicks: Number(fields[19]) };
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return null;
    throw error;
  }
}

async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
