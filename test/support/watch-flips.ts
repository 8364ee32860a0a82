import { existsSync, readlinkSync, watch } from 'node:fs';
import path from 'node:path';

/**
 * Notes what the alias of a folder target names each time that it is put in place, from now until the returned function
 * is called, which gives the names.
 */
export function watchFlips(target: string): () => readonly string[] {
  const names: string[] = [];
  const watcher = watch(target, { persistent: false }, (_event, file) => {
    const alias = path.join(target, 'current');
    if (file === 'current' && existsSync(alias)) names.push(path.basename(readlinkSync(alias)));
  });
  return () => {
    watcher.close();
    return names;
  };
}
