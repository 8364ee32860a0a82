// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { wantsGitHooks } from './git-hooks.mjs';
import { readEvaluationStamp, readNpmStamp, readVenvStamp } from './stamps.mjs';

/** Files without which the checkout is not whole. */
const NEEDED = [
  ...['package-lock.json', 'requirements.txt', 'requirements-evaluation.txt'],
  join('trainer', 'pyproject.toml'),
];

/** Prints `version venv?`; old syntax, so that Python 2 answers too. */
const PROBE = `
import sys
try:
    import venv, ensurepip
    able = 1
except ImportError:
    able = 0
sys.stdout.write("%d.%d.%d %d" % (sys.version_info[0], sys.version_info[1], sys.version_info[2], able))
`;

/**
 * Files that the checkout should have and has not.
 * @param {string} root
 */
export function missingFiles(root) {
  return NEEDED.filter((path) => !existsSync(join(root, path)));
}

/**
 * What is installed now; a few small files are read and git is asked once.
 * @param {string} root
 * @param {{ evaluation: boolean }} wants evaluation: the environment of lm-eval too
 * @returns {import('./set-up-plan.mjs').Facts}
 */
export function readFacts(root, wants) {
  return {
    npm: readNpmStamp(root),
    venv: readVenvStamp(root),
    // Not existsSync: a link that points nowhere is in the way too.
    venvExists: lstatSync(join(root, '.venv'), { throwIfNoEntry: false }) !== undefined,
    venvRuns: existsSync(join(root, '.venv', 'bin', 'python')),
    evaluation: wants.evaluation ? readEvaluationStamp(root) : null,
    wantsHooks: wantsGitHooks(root),
  };
}

/**
 * Starts the interpreter to ask for its version and its venv module.
 * @param {string} command
 * @returns {import('./set-up-plan.mjs').Python}
 */
export function probePython(command) {
  const answer = spawnSync(command, ['-c', PROBE], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [version, able] = answer.status === 0 ? answer.stdout.split(' ') : [];
  return { command, version: version ?? null, hasVenv: able === '1' };
}

/** @param {string} root */
export function freeBytes(root) {
  const disk = statfsSync(root);
  return disk.bavail * disk.bsize;
}
