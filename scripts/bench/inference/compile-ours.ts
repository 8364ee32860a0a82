import { copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Compiles the engine with `ours.ts` into `folder`, as a package of it would be, with the checkout's packages beside it. Made
 * anew every time.
 * @returns the program
 */
export async function compileOurs(root: string, folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: { ours: join('scripts', 'bench', 'inference', 'ours.ts') },
    ...{ outdir: folder, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external' },
  });
  await copyFile(join(root, 'inference', 'io', 'runtime-thread.mjs'), join(folder, 'runtime-thread.mjs'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  return join(folder, 'ours.js');
}
