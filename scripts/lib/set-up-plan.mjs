// @ts-check
// Pure: what a set-up has to do, and whether it can. Reading and doing are in set-up-facts.mjs and set-up.mjs.
import { isOlder } from './node-version.mjs';

/** The oldest Python that every pin in requirements.txt allows. */
const OLDEST_PYTHON = '3.10';

const GIGABYTE = 1e9;
/** @type {Partial<Record<Step, number>>} */
const DISK_BYTES = {
  'npm-packages': 1 * GIGABYTE,
  'make-venv': 3 * GIGABYTE,
  'evaluation-environment': 1 * GIGABYTE,
};

/**
 * @typedef {'npm-packages' | 'remove-venv' | 'make-venv' | 'python-packages' | 'evaluation-environment' | 'git-hooks'} Step
 *
 * @typedef {object} Stamp
 * @property {string} wanted what a finished install would say now
 * @property {string | null} installed what the last finished install said; null where none finished
 *
 * @typedef {object} Facts
 * @property {Stamp} npm
 * @property {Stamp} venv
 * @property {boolean} venvExists .venv is there, in whatever state
 * @property {boolean} venvRuns its interpreter is there too
 * @property {Stamp | null} evaluation .venv-evaluation; null where nobody asked for it
 * @property {boolean} wantsHooks a git checkout without a hooks path
 *
 * @typedef {object} Python
 * @property {string} command as it was asked for
 * @property {string | null} version null where it did not start
 * @property {boolean} hasVenv it can make environments with pip in them
 */

/**
 * The steps that are still to be done, in order; none when everything is in place.
 * @param {Facts} facts
 * @returns {Step[]}
 */
export function planSetUp(facts) {
  /** @type {Step[]} */
  const steps = [];
  if (isStale(facts.npm)) steps.push('npm-packages');
  steps.push(...planVenv(facts));
  if (facts.evaluation !== null && (isStale(facts.evaluation) || !facts.venvRuns)) steps.push('evaluation-environment');
  if (facts.wantsHooks) steps.push('git-hooks');
  return steps;
}

/** @param {Facts} facts @returns {Step[]} */
function planVenv({ venv, venvExists, venvRuns }) {
  if (!isStale(venv) && venvRuns) return [];
  const whole = venv.installed !== null && venvRuns && sameHome(venv);
  if (whole) return ['python-packages'];
  return venvExists ? ['remove-venv', 'make-venv', 'python-packages'] : ['make-venv', 'python-packages'];
}

/** @param {Stamp} stamp */
function isStale({ wanted, installed }) {
  return installed !== wanted;
}

/**
 * Everything that stands in the way of these steps, each as one sentence that says what to do.
 * @param {readonly Step[]} steps
 * @param {{ python: Python | null, freeBytes: number }} machine python is null where no step needs it
 * @returns {string[]}
 */
export function findProblems(steps, machine) {
  const problems = [];
  if (machine.python !== null) problems.push(...pythonProblems(machine.python));
  const needBytes = diskBytesFor(steps);
  if (machine.freeBytes < needBytes) {
    problems.push(
      `This disk has ${inGigabytes(machine.freeBytes)} free and the set-up needs ${inGigabytes(needBytes)}; make room and run it again.`,
    );
  }
  return problems;
}

/** @param {readonly Step[]} steps */
function diskBytesFor(steps) {
  return steps.reduce((bytes, step) => bytes + (DISK_BYTES[step] ?? 0), 0);
}

/** @param {Python} python @returns {string[]} */
function pythonProblems(python) {
  const remedy = `install Python ${OLDEST_PYTHON} or newer, or name one with REGRAFT_PYTHON=/path/to/python3`;
  if (python.version === null) return [`Python was not found: \`${python.command}\` does not start; ${remedy}.`];
  if (isOlder(python.version, OLDEST_PYTHON)) {
    return [`\`${python.command}\` is Python ${python.version} and the trainer needs ${OLDEST_PYTHON}; ${remedy}.`];
  }
  if (!python.hasVenv) {
    return [
      `\`${python.command}\` has no venv module with pip; install it (Debian and Ubuntu: apt-get install python3-venv) and run it again.`,
    ];
  }
  return [];
}

/** The last line of a stamp is the checkout it was made in. @param {Stamp} stamp */
function sameHome(stamp) {
  return stamp.installed?.split('\n')[1] === stamp.wanted.split('\n')[1];
}

/** @param {number} bytes */
function inGigabytes(bytes) {
  return `${(bytes / GIGABYTE).toFixed(1)} GB`;
}
