import { randomBytes } from 'node:crypto';
import { constants, copyFile, link, mkdir, readdir, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ResumeStates } from '../../activities/training-ports.ts';
import { isErrno } from './atomic-file.ts';
import { folderName } from './folder-name.ts';
import { namesIn } from './names-in.ts';

/**
 * Full states of checkpoints in a shared folder, `root/<training>/<name>/`. They are no artifacts: no digest names them,
 * most are gone again soon, and a checkpoint's own marker tells whether one is whole. Files are shared with the training
 * folder where the file system can.
 */
export function createFsResumeStates(root: string): ResumeStates {
  const folderOf = (training: string): string => path.join(root, ...training.split('/').map(folderName));
  return {
    async put(training, name, folder) {
      await takeFolder(folder, path.join(folderOf(training), folderName(name)));
    },
    async fetch(training, name, folder) {
      const source = path.join(folderOf(training), folderName(name));
      if ((await namesIn(source)).length === 0) return false;
      await takeFolder(source, folder);
      return true;
    },
    async keepOnly(training, names) {
      const keep = new Set([...names].map(folderName));
      const folder = folderOf(training);
      for (const name of await namesIn(folder)) {
        if (!keep.has(name)) await rm(path.join(folder, name), { recursive: true, force: true });
      }
    },
  };
}

/** Whole or not at all; what was there is replaced. */
async function takeFolder(source: string, target: string): Promise<void> {
  const partial = path.join(path.dirname(target), `.partial-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(partial, { recursive: true });
    for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
      const relative = path.relative(source, path.join(entry.parentPath, entry.name));
      if (entry.isDirectory()) await mkdir(path.join(partial, relative), { recursive: true });
      else await takeFile(path.join(source, relative), path.join(partial, relative));
    }
    await rm(target, { recursive: true, force: true });
    await rename(partial, target);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function takeFile(source: string, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true });
  try {
    await link(await realpath(source), target); // a link would lead nowhere on another host
  } catch (error) {
    if (!isErrno(error, 'EXDEV') && !isErrno(error, 'EPERM')) throw error;
    await copyFile(source, target, constants.COPYFILE_FICLONE);
  }
}
