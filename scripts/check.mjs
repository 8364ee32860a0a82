// @ts-check
// Everything that must hold of the tree besides its tests: format, lint, types, boundaries, dead code, generated files.
import { fileURLToPath } from 'node:url';
import { runChecks } from './lib/run-checks.mjs';

const results = await runChecks(fileURLToPath(new URL('..', import.meta.url)));
const failed = results.filter(({ ok }) => !ok).map(({ name }) => name);
console.log(failed.length === 0 ? `\n${results.length} checks passed` : `\nfailed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
