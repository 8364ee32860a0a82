import { randomBytes } from 'node:crypto';
import { link, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isAlive, readProcessIdentity } from '../adapters/process/process-identity.ts';
import { createFileAtomic, isErrno } from '../adapters/store/atomic-file.ts';
import { readText } from '../adapters/trainer/trainer-folder.ts';
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
  for (;;) {
    if (await createFileAtomic(file, mine)) return () => rm(file, { force: true });
    const held = await readText(file);
    if (held === null) continue;
    const holder = parseHolder(held);
    if (holder !== null && (await isAlive(holder))) throw inUse(home, holder.pid);
    await removeStale(file, held);
  }
}

/** Who a lock names; null for anything else, which no lock of ours can be. */
function parseHolder(text: string): z.output<typeof lockSchema> | null {
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Moves a dead process' lock aside before it is removed: one that another has taken in between is put back. */
async function removeStale(file: string, seen: string): Promise<void> {
  const aside = `${file}.stale-${randomBytes(6).toString('hex')}`;
  try {
    await rename(file, aside);
    if ((await readText(aside)) !== seen) await link(aside, file);
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'EEXIST')) throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

function inUse(home: string, pid: number): RegraftError {
  return new RegraftError(
    'HOME_IN_USE',
    `${home} is in use by process ${String(pid)}; end that \`regraft up\` or \`regraft demo\` first, or choose another folder with --home.`,
    { details: { pid } },
  );
}
