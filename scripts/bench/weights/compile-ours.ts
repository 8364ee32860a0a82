import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Compiles the engine with `ours.ts` into `folder`, as a package of it would be: its sources through a loader take most of a
 * second to start, which says nothing about it. Made anew every time. Places are those that the engine looks for.
 * @returns the program
 */
export async function compileOurs(root: string, folder: string): Promise<string> {
  const outdir = join(folder, 'io', 'engine');
  await build({
    absWorkingDir: root,
    entryPoints: {
      ours: join('scripts', 'bench', 'weights', 'ours.ts'),
      thread: join('weights', 'io', 'engine', 'thread.ts'),
    },
    ...{ outdir, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['esbuild'] },
  });
  await mkdir(join(folder, 'ops'), { recursive: true });
  await copyFile(join(root, 'weights', 'ops', 'kernel.wasm'), join(folder, 'ops', 'kernel.wasm'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  return join(outdir, 'ours.js');
}
