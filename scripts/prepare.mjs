// @ts-check
// npm runs this after an install made by hand: it sets the git hooks and notes which lock file was installed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setGitHooks } from './lib/git-hooks.mjs';
import { stampNpm } from './lib/stamps.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
setGitHooks(root);
// Without the development packages (`--omit=dev`) the checkout is not set up, so it gets no stamp.
if (existsSync(join(root, 'node_modules', 'vitest'))) stampNpm(root);
