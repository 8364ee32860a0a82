import { readdir, readFile } from 'node:fs/promises';
import { isErrno } from '../../adapters/store/atomic-file.ts';

/** What `/proc` says about one process. */
interface ProcessFacts {
  readonly pid: number;
  /** One letter: T is stopped, Z has ended. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
}

/** Facts of one process; null when it does not run. */
export async function factsOf(pid: number): Promise<ProcessFacts | null> {
  const text = await readOrNull(`/proc/${String(pid)}/stat`);
  if (text === null) return null;
  const [state = '', parent, group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid, state, parent: Number(parent), group: Number(group) };
}

/** Children of a process that run anything but a shell. */
export async function programsOf(parent: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  const found: number[] = [];
  for (const pid of pids) {
    if ((await factsOf(pid))?.parent !== parent) continue;
    const [program = ''] = ((await readOrNull(`/proc/${String(pid)}/cmdline`)) ?? '').split('\0');
    if (program !== '' && !/(^|\/)(sh|dash|bash|sleep)$/.test(program)) found.push(pid);
  }
  return found;
}

/** True while a member of the group runs; one that has ended and was not yet collected does not count. */
export async function groupRuns(group: number): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  for (const pid of pids) {
    const facts = await factsOf(pid);
    if (facts?.group === group && facts.state !== 'Z' && facts.state !== 'X') return true;
  }
  return false;
}

/** True when a signal was sent to a process that is stopped and has not seen it yet. */
export async function isPending(pid: number, signal: number): Promise<boolean> {
  const status = (await readOrNull(`/proc/${String(pid)}/status`)) ?? '';
  const mask = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** Signals a process, or a group when negative; false when it is gone. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    throw error;
  }
}

async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return null;
    throw error;
  }
}
