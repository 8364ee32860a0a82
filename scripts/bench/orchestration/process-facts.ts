import { readFile } from 'node:fs/promises';

/** Linux counts processor time in these, whatever its clock. */
const TICKS_PER_SECOND = 100;

/** The most resident memory that a running process ever had. */
export async function peakBytesOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`Process ${String(pid)} has ended, expected one that runs.`);
  return Number(kibibytes) * 1024;
}

/** Processor time that a running process has taken, in its own code and the kernel's. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
  // The second field is the program's name, in brackets, and may hold anything; user and system time are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
