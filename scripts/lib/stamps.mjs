// @ts-check
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NPM_STAMP = join('node_modules', '.regraft-lock');
const VENV_STAMP = join('.venv', '.regraft-requirements');
const EVALUATION_STAMP = join('.venv-evaluation', '.regraft-requirements');
const PYTHON_INPUTS = ['requirements.txt', join('trainer', 'pyproject.toml')];
const EVALUATION_INPUTS = ['requirements.txt', 'requirements-evaluation.txt'];

/**
 * Digest of the lock file as it is now, and as it was when node_modules was last filled (null: never, or not to the end).
 * @param {string} root the checkout
 */
export function readNpmStamp(root) {
  return { wanted: digestOf(root, ['package-lock.json']), installed: readOrNull(join(root, NPM_STAMP)) };
}

/**
 * The same for the Python environment; the checkout's own path counts, because a moved environment does not work.
 * @param {string} root the checkout
 */
export function readVenvStamp(root) {
  return { wanted: venvStamp(root), installed: readOrNull(join(root, VENV_STAMP)) };
}

/** Notes that node_modules holds what the lock file says. @param {string} root */
export function stampNpm(root) {
  writeFileSync(join(root, NPM_STAMP), digestOf(root, ['package-lock.json']));
}

/** Notes that .venv holds what the requirements say. @param {string} root */
export function stampVenv(root) {
  writeFileSync(join(root, VENV_STAMP), venvStamp(root));
}

/** To be called before .venv is changed, so that an interrupted change is seen as half made. @param {string} root */
export function unstampVenv(root) {
  rmSync(join(root, VENV_STAMP), { force: true });
}

/** The same for the environment of lm-eval, which stands on the packages of .venv. @param {string} root */
export function readEvaluationStamp(root) {
  return { wanted: evaluationStamp(root), installed: readOrNull(join(root, EVALUATION_STAMP)) };
}

/** Notes that .venv-evaluation holds what its requirements say. @param {string} root */
export function stampEvaluation(root) {
  writeFileSync(join(root, EVALUATION_STAMP), evaluationStamp(root));
}

/** @param {string} root */
function evaluationStamp(root) {
  return `${digestOf(root, EVALUATION_INPUTS)}\n${root}`;
}

/** @param {string} root */
function venvStamp(root) {
  return `${digestOf(root, PYTHON_INPUTS)}\n${root}`;
}

/** @param {string} root @param {readonly string[]} paths */
function digestOf(root, paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(readFileSync(join(root, path))).update('\0');
  return hash.digest('hex');
}

/** @param {string} path */
function readOrNull(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
