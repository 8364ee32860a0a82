import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { sha256OfFile } from '../../store/fs-blobs.ts';
import type { SuiteProblems } from './suite-problems.ts';

/** Most files of a suite that another program reads. */
const MOST_FILES = 1000;

/**
 * Digests of every file in a suite's folder but suite.yaml itself, by path, so that a changed task or program is another
 * suite. What Python keeps of its own beside them (`__pycache__`) and hidden files do not count. @throws SUITE_INVALID
 */
export async function folderFiles(
  folder: string,
  problems: SuiteProblems,
): Promise<readonly { readonly path: string; readonly sha256: string }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .filter(
      (file) =>
        file !== 'suite.yaml' && !file.split(path.sep).some((part) => part === '__pycache__' || part.startsWith('.')),
    )
    .sort();
  if (paths.length > MOST_FILES) {
    return problems.fail(
      folder,
      `it holds ${String(paths.length)} files, expected at most ${String(MOST_FILES)}; give the suite a folder of its own`,
    );
  }
  const files: { readonly path: string; readonly sha256: string }[] = [];
  for (const file of paths) files.push({ path: file, sha256: await sha256OfFile(path.join(folder, file)) });
  return files;
}
