import { mkdir } from 'node:fs/promises';
import type { Workspace } from '../../../activities/ports.ts';

/** Where programs leave their results; what the owner of a scratch path left when it was killed is swept from there. */
export type Scratch = Pick<Workspace, 'scratch' | 'remove'>;

/** Gives a program an empty folder for its results, and removes it afterwards. */
export async function withOutputFolder<Value>(
  scratch: Scratch,
  key: string,
  work: (folder: string) => Promise<Value>,
): Promise<Value> {
  const folder = await scratch.scratch(key);
  try {
    await mkdir(folder, { mode: 0o700 }); // answers of a model may be nobody else's business
    return await work(folder);
  } finally {
    await scratch.remove(folder);
  }
}
