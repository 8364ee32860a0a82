#!/usr/bin/env node
// @ts-check
// Makes this checkout ready to run: npm packages, a Python environment in .venv, git hooks; with --evaluation the
// environment of the lm-eval harness in .venv-evaluation too. Safe to run at any time.
// Needs nothing but Node; touches nothing outside the checkout.
import { nodeProblem } from './lib/node-version.mjs';

const problem = nodeProblem(process.versions.node, process.platform);
if (problem !== null) {
  console.error(`setup: ${problem}`);
  process.exitCode = 1;
} else {
  // Loaded late: an old Node must get the sentence above, not a syntax error from below.
  const { setUp } = await import('./lib/set-up.mjs');
  const { fileURLToPath } = await import('node:url');
  const unknown = process.argv.slice(2).filter((argument) => argument !== '--evaluation');
  if (unknown.length > 0) {
    console.error(`setup: unknown argument ${unknown.join(' ')}, expected --evaluation or nothing.`);
    process.exitCode = 2;
  } else {
    const evaluation = process.argv.includes('--evaluation');
    process.exitCode = await setUp(fileURLToPath(new URL('..', import.meta.url)), { evaluation });
  }
}
