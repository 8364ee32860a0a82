import { readdir, readFile } from 'node:fs/promises';
import { isErrno } from '../../adapters/store/atomic-file.ts';

/** Process ids of what runs with this text among its arguments, this process and its threads aside. */
export async function processesOf(argument: string): Promise<readonly number[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const running = await Promise.all(
    ids.map(async (id) => {
      const line = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => ''); // one that has ended meanwhile
      return line.includes(argument);
    }),
  );
  return ids.filter((_, index) => running[index]).map(Number);
}

/** Ends them all on the spot; one that ends by itself meanwhile is as good. */
export async function killProcessesOf(argument: string): Promise<void> {
  for (const pid of await processesOf(argument)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error;
    }
  }
}
