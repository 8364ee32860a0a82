import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ReleaseSource } from '../../activities/ports.ts';
import { RegraftError } from '../../contracts/error.ts';
import { openModel, WeightsError } from '../../weights/index.ts';
import { isErrno } from '../store/atomic-file.ts';

/**
 * A family that is a folder: every sub-folder is one release. Hidden folders are ignored, and so is one that is still
 * being written: without config.json, without a shard that its index names, or with a file shorter than its header says.
 */
export function createFolderSource(): ReleaseSource {
  return {
    async list(family) {
      const names: string[] = [];
      for (const entry of await entriesOf(family.folder)) {
        if (!entry.startsWith('.') && (await isComplete(path.join(family.folder, entry)))) names.push(entry);
      }
      return names;
    },
    async open(family, name) {
      const folder = path.join(family.folder, name);
      if (await isComplete(folder)) return { folder, uri: pathToFileURL(folder).href };
      throw new RegraftError(
        'SOURCE_RELEASE_GONE',
        `Release ${name}: ${folder} is no complete model folder any more; put it back, or leave it out for good.`,
        { retryable: true },
      );
    },
  };
}

/** A family folder that does not exist yet has no releases yet. */
async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

async function isComplete(folder: string): Promise<boolean> {
  try {
    if (!(await stat(folder)).isDirectory()) return false;
    await openModel(folder);
    return true;
  } catch (error) {
    if (error instanceof WeightsError || isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
