import { readdir, readFile } from 'node:fs/promises';

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
