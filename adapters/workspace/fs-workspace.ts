import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../../activities/ports.ts';
import { isAlive, readProcessIdentity, type ProcessIdentity } from '../process/process-identity.ts';
import { folderName } from '../store/folder-name.ts';

/**
 * Unfinished work under one folder: `scratch/<process>/…` is private to this process and swept when a later one finds
 * its owner gone; `training/<run>` stays for the next attempt.
 */
export async function openFsWorkspace(root: string): Promise<Workspace> {
  const identity = await readProcessIdentity(process.pid);
  const mine = path.join(root, 'scratch', scratchName(identity));
  await mkdir(mine, { recursive: true });
  await sweepOrphans(path.join(root, 'scratch'));
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- a port is asynchronous by contract
    scratch: async (key) => path.join(mine, `${key}-${randomBytes(4).toString('hex')}`),
    async training(key) {
      const folder = path.join(root, 'training', ...key.split('/').map(folderName));
      await mkdir(folder, { recursive: true });
      return folder;
    },
    remove: (target) => rm(target, { recursive: true, force: true }),
  };
}

function scratchName({ pid, startTicks, bootId }: ProcessIdentity): string {
  return `${String(pid)}.${String(startTicks)}.${bootId}`;
}

async function sweepOrphans(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [pid, startTicks, bootId] = name.split('.');
    if (pid === undefined || startTicks === undefined || bootId === undefined) continue;
    if (await isAlive({ pid: Number(pid), startTicks: Number(startTicks), bootId })) continue;
    await rm(path.join(folder, name), { recursive: true, force: true });
  }
}
