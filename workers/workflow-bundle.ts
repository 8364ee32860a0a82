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

export interface BundleOptions {
  /** Folder that the sources lie in; the project's unless given. */
  readonly root?: string;
  /** Of the data converter that workers use: both have to have the same. */
  readonly failureConverterPath?: string | undefined;
  /** For a worker that is versioned: its workflows say whether they stay on their build. */
  readonly versioned?: boolean;
}

/**
 * The workflows' bundle as a file, made once for each state of the sources (about 4 s) and then taken from the cache.
 */
export async function workflowBundle(
  cache: string,
  { root = PROJECT_ROOT, failureConverterPath, versioned = false }: BundleOptions = {},
): Promise<{ readonly codePath: string }> {
  const digest = await digestOfSources(root, failureConverterPath);
  const codePath = path.join(cache, `workflows-${digest}${versioned ? '-versioned' : ''}.js`);
  if ((await readText(codePath)) === null) {
    const { code } = await bundleWorkflowCode({
      workflowsPath: path.join(root, 'workflows', versioned ? 'versioned.ts' : 'index.ts'),
      ...(failureConverterPath !== undefined && { failureConverterPath }),
      logger: createWorkerLogger(),
    });
    await writeFileAtomic(codePath, code);
  }
  return { codePath };
}

async function digestOfSources(root: string, failureConverterPath: string | undefined): Promise<string> {
  const hash = createHash('sha256').update(sdk.version);
  if (failureConverterPath !== undefined) hash.update(await readFile(failureConverterPath));
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
