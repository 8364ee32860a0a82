// @ts-check
import { join } from 'node:path';

const CACHE = join('.regraft', 'cache');
const bin = (/** @type {string} */ name) => join('node_modules', '.bin', name);
const RUFF = join('.venv', 'bin', 'ruff');
const PYTHON_FOLDERS = ['trainer', join('scripts', 'demo'), join('scripts', 'bench')];
const RUFF_CONFIG = ['--config', join('trainer', 'pyproject.toml')];

/**
 * @typedef {object} CheckStep
 * @property {string} name
 * @property {readonly string[]} command with its arguments; run from the checkout's root
 */

/**
 * What has to hold of the whole tree. None writes anything but its cache, and none depends on another; the long ones come
 * first so that two at a time end together.
 * @type {readonly CheckStep[]}
 */
export const CHECK_STEPS = [
  { name: 'lint', command: [bin('eslint'), '.', '--max-warnings=0'] },
  {
    name: 'types',
    command: [bin('tsc'), '-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', join(CACHE, 'tsc.tsbuildinfo')],
  },
  {
    name: 'format',
    command: [
      bin('prettier'),
      ...['--check', '.', '--log-level=warn'],
      ...['--cache', '--cache-strategy=content', '--cache-location', join(CACHE, 'prettier')],
    ],
  },
  { name: 'boundaries', command: [bin('depcruise'), '--config', '.dependency-cruiser.mjs', '.'] },
  { name: 'dead code', command: [bin('knip'), '--no-progress'] },
  {
    name: 'generated files',
    command: [process.execPath, '--import', 'tsx', join('scripts', 'generate.ts'), '--check'],
  },
  { name: 'compiled kernel', command: [process.execPath, join('scripts', 'build-kernel.mjs'), '--check'] },
  { name: 'python lint', command: [RUFF, 'check', '--quiet', ...RUFF_CONFIG, ...PYTHON_FOLDERS] },
  { name: 'python format', command: [RUFF, 'format', '--check', '--quiet', ...RUFF_CONFIG, ...PYTHON_FOLDERS] },
];
