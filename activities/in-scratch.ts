import type { Workspace } from './ports.ts';

/** Gives work a folder to make, and removes it afterwards, half-made or whole: another attempt has a folder of its own. */
export async function inScratch<Value>(
  workspace: Workspace,
  key: string,
  work: (out: string) => Promise<Value>,
): Promise<Value> {
  const out = await workspace.scratch(key);
  try {
    return await work(out);
  } finally {
    await workspace.remove(out);
    await workspace.remove(`${out}.partial`);
  }
}
