import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import sdk from '@temporalio/worker/package.json' with { type: 'json' };
import { readText } from '../adapters/trainer/trainer-folder.ts';
import { writeFileAtomic } from '../adapters/store/atomic-file.ts';
import { PROJECT_ROOT } from './settings.ts';
import { createWorkerLogger } from './worker-logger.ts';

/** Folders whose code runs inside the workflow sandbox. */
const SOURCES = ['contracts', 'policy', 'workflows'];

/**
 * The workflows' bundle as a file, made once for each state of the sources (about 4 s) and then taken from the cache.
 *
 * @param root folder that the sources lie in.
 */
export async function workflowBundle(cache: string, root = PROJECT_ROOT): Promise<{ readonly codePath: string }> {
  const codePath = path.join(cache, `workflows-${await digestOfSources(root)}.js`);
  if ((await readText(codePath)) === null) {
    const { code } = await bundleWorkflowCode({
      workflowsPath: path.join(root, 'workflows', 'index.ts'),
      logger: createWorkerLogger(),
    });
    await writeFileAtomic(codePath, code);
  }
  return { codePath };
}

async function digestOfSources(root: string): Promise<string> {
  const hash = createHash('sha256').update(sdk.version);
  for (const folder of SOURCES) {
    for (const name of await filesUnder(path.join(root, folder))) {
      hash.update(`${folder}/${name}\n`).update(await readFile(path.join(root, folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** Paths of all files under a folder, relative to it, in one order everywhere. */
async function filesUnder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name))).sort();
}
