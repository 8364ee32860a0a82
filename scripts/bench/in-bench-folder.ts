import { join, resolve } from 'node:path';
import { takeLock } from '../lib/exclusive-lock.mjs';
import { openBenchFolder, removeBenchFolder } from './bench-folder.ts';
import { say } from './say.ts';

/** Where a benchmark works, and whether it is only to be removed. */
export interface BenchPlace {
  /** Null: .regraft/bench of the checkout. */
  readonly folder: string | null;
  readonly clean: boolean;
}

/**
 * Does a benchmark's work in its folder, or removes that. Two at once in one folder: the second waits.
 * @param root the checkout
 * @returns whether no reach is missed, as the work says
 */
export async function inBenchFolder(
  root: string,
  { folder, clean }: BenchPlace,
  work: (home: string) => Promise<boolean>,
): Promise<boolean> {
  const home = folder === null ? join(root, '.regraft', 'bench') : resolve(folder);
  const release = await takeLock(`${home}.lock`, {
    onWait: (pid) => {
      say(`another benchmark is at work (process ${String(pid)}); waiting for it`);
    },
  });
  try {
    if (clean) {
      await removeBenchFolder(home);
      say(`removed ${home}`);
      return true;
    }
    await openBenchFolder(home);
    return await work(home);
  } finally {
    release();
  }
}
