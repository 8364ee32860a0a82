import { readdir, readFile } from 'node:fs/promises';
import { isErrno } from '../../adapters/store/atomic-file.ts';
import { waitUntil } from './wait-until.ts';

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

/** Ends them all, and those that they start meanwhile, until none is left; one that ends by itself is as good. */
export async function killProcessesOf(argument: string): Promise<void> {
  await waitUntil(`every process of ${argument} has ended`, async () => {
    const running = await processesOf(argument);
    for (const pid of running) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if (!isErrno(error, 'ESRCH')) throw error;
      }
    }
    return running.length === 0;
  });
}
