#!/usr/bin/env node
// @ts-check
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
if (existsSync(new URL('node_modules/tsx', root))) {
  const { register } = await import('tsx/esm/api');
  // Our own settings, never those of the folder that the user happens to stand in.
  register({ tsconfig: fileURLToPath(new URL('tsconfig.json', root)) });
  const { main } = await import('../cli/main.ts');
  // Not by letting the event loop run dry: what a worker that failed to start leaves in native code would keep it going.
  process.exit(await main(process.argv.slice(2)));
} else {
  console.error(`regraft: its packages are not installed yet; run \`npm run setup\` in ${fileURLToPath(root)}.`);
  process.exitCode = 1;
}
