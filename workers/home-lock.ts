import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isAlive, readProcessIdentity } from '../adapters/process/process-identity.ts';
import { createFileAtomic } from '../adapters/store/atomic-file.ts';
import { readSmall } from '../adapters/trainer/trainer-folder.ts';
import { RegraftError } from '../contracts/error.ts';

const LOCK = 'up.json';
const lockSchema = z.object({ pid: z.int(), startTicks: z.int(), bootId: z.string() });

/**
 * Takes a home folder for one `regraft up`; the lock of a process that has ended does not count. Returns how to let go.
 * @throws RegraftError HOME_IN_USE
 */
export async function takeHome(home: string): Promise<() => Promise<void>> {
  await mkdir(home, { recursive: true });
  const file = path.join(home, LOCK);
  const mine = JSON.stringify(await readProcessIdentity(process.pid));
  for (let tries = 0; tries < 2; tries += 1) {
    if (await createFileAtomic(file, mine)) return () => rm(file, { force: true });
    const holder = await readSmall(home, LOCK, lockSchema);
    if (holder !== null && (await isAlive(holder))) throw inUse(home, holder.pid);
    await rm(file, { force: true });
  }
  throw inUse(home, 0);
}

function inUse(home: string, pid: number): RegraftError {
  return new RegraftError(
    'HOME_IN_USE',
    `${home} is in use by process ${String(pid)}; end that \`regraft up\` or \`regraft demo\` first, or choose another folder with --home.`,
  );
}
