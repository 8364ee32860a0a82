// @ts-check
// All tests: the checks, the TypeScript tests, the Python tests. With arguments: only the TypeScript tests that they name.
// The last line is always `N passed, N failed`; the reports are in .regraft/test/.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { passSignals } from './lib/pass-signals.mjs';
import { runChecks } from './lib/run-checks.mjs';
import { lastLine, sumTallies, tallyChecks, tallyPytest, tallyVitest } from './lib/test-tally.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const REPORTS = join('.regraft', 'test');

await main(process.argv.slice(2));

/** @param {readonly string[]} narrow */
async function main(narrow) {
  mkdirSync(join(root, REPORTS), { recursive: true });
  const tallies = narrow.length > 0 ? [await vitest(narrow)] : [await checks(), await vitest([]), await pytest()];
  const tally = sumTallies(tallies, { skippedFails: ['true', '1'].includes(process.env['CI'] ?? '') });
  console.log('');
  for (const name of tally.skipped) console.log(`skipped: ${name}`);
  for (const name of tally.failed) console.log(`failed: ${name}`);
  console.log(lastLine(tally));
  process.exitCode = tally.failed.length === 0 ? 0 : 1;
}

async function checks() {
  console.log('Checks');
  return tallyChecks(await runChecks(root));
}

/** @param {readonly string[]} narrow */
async function vitest(narrow) {
  console.log('\nTypeScript tests');
  const report = freshReport('vitest.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const exitCode = await stream(join('node_modules', '.bin', 'vitest'), ['run', ...reporters, ...narrow]);
  const json = readOrNull(report);
  return tallyVitest(json === null ? null : JSON.parse(json), exitCode);
}

async function pytest() {
  console.log('\nPython tests');
  const report = freshReport('pytest.xml');
  const args = ['-m', 'pytest', join('trainer', 'tests'), '-q', `--junitxml=${report}`];
  const exitCode = await stream(join('.venv', 'bin', 'python'), args);
  return tallyPytest(readOrNull(report), exitCode);
}

/** The report's path, with an older report out of the way. @param {string} name */
function freshReport(name) {
  rmSync(join(root, REPORTS, name), { force: true });
  return join(REPORTS, name);
}

/**
 * Runs a command with its output shown as it comes.
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<number | null>} its exit code; null where it did not start or a signal ended it
 */
function stream(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    const forgetSignals = passSignals(child);
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      forgetSignals();
      resolve(null);
    });
    child.on('close', (code) => {
      forgetSignals();
      resolve(code);
    });
  });
}

/** @param {string} path */
function readOrNull(path) {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return null;
  }
}
