// @ts-check
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeLock } from './exclusive-lock.mjs';
import { explainFailure } from './explain-failure.mjs';
import { setGitHooks } from './git-hooks.mjs';
import { runQuietly } from './run-quietly.mjs';
import { freeBytes, missingFiles, probePython, readFacts } from './set-up-facts.mjs';
import { findProblems, planSetUp } from './set-up-plan.mjs';
import { stampEvaluation, stampNpm, stampVenv, unstampVenv } from './stamps.mjs';

/**
 * Brings the checkout to the state that its lock file and requirements describe. Runs twice: the second finds nothing to
 * do. Two at once: the second waits for the first. Interrupted: the next begins the broken step anew.
 * @param {string} root the checkout
 * @param {{ evaluation?: boolean }} [wants] evaluation (false): the environment of lm-eval too
 * @returns {Promise<0 | 1>} the exit code; problems are printed
 */
export async function setUp(root, { evaluation = false } = {}) {
  const missing = missingFiles(root);
  if (missing.length > 0)
    return fail([`This checkout is not whole: ${missing.join(', ')} is missing; clone it again.`]);
  if (planSetUp(readFacts(root, { evaluation })).length === 0) return done();
  const release = await takeLock(join(root, '.regraft', 'setup.lock'), {
    onWait: (pid) => say(`another set-up is at work (process ${pid}); waiting for it`),
  });
  try {
    return await setUpLocked(root, evaluation);
  } finally {
    release();
  }
}

/** @param {string} root @param {boolean} evaluation @returns {Promise<0 | 1>} */
async function setUpLocked(root, evaluation) {
  // Read again: another set-up may have done everything while this one waited.
  const steps = planSetUp(readFacts(root, { evaluation }));
  const python = process.env['REGRAFT_PYTHON'] || 'python3';
  const problems = findProblems(steps, {
    python: steps.includes('make-venv') ? probePython(python) : null,
    freeBytes: freeBytes(root),
  });
  if (problems.length > 0) return fail(problems);
  for (const step of steps) {
    const problem = await DOERS[step](root, python);
    if (problem !== null) return fail([problem]);
  }
  return done();
}

/**
 * How each step is done; a doer returns the sentence that says why it could not, or null.
 * @type {Record<import('./set-up-plan.mjs').Step, (root: string, python: string) => Promise<string | null>>}
 */
const DOERS = {
  'npm-packages': async (root) => {
    // The runtime's CUDA libraries are not used here and weigh more than everything else together.
    const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
    const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
    const problem = await runStep('npm packages', 'npm', args, { root, env, hint: 'about 0.7 GB' });
    if (problem === null) stampNpm(root);
    return problem;
  },
  'remove-venv': async (root) => {
    say('Python environment: the one in .venv is half made or broken; removing it');
    rmSync(join(root, '.venv'), { recursive: true, force: true });
    return null;
  },
  'make-venv': (root, python) =>
    runStep('Python environment', python, ['-m', 'venv', '.venv'], { root, hint: `.venv, made with ${python}` }),
  'python-packages': async (root) => {
    unstampVenv(root);
    const python = join(root, '.venv', 'bin', 'python');
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    const problem =
      (await runStep('Python packages', python, [...pip, '-r', 'requirements.txt'], { root, hint: 'about 1.6 GB' })) ??
      (await runStep('trainer', python, [...pip, '--no-deps', '--no-build-isolation', '-e', 'trainer'], {
        root,
        hint: 'linked into .venv',
      }));
    if (problem === null) stampVenv(root);
    return problem;
  },
  'evaluation-environment': async (root) => {
    const folder = join(root, '.venv-evaluation');
    rmSync(folder, { recursive: true, force: true });
    const own = join(root, '.venv', 'bin', 'python');
    const made = await runStep('evaluation environment', own, ['-m', 'venv', '--without-pip', folder], {
      root,
      hint: '.venv-evaluation, beside .venv',
    });
    if (made !== null) return made;
    seePackagesOf(root);
    const python = join(folder, 'bin', 'python');
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-build-isolation'];
    const problem = await runStep('evaluation packages', python, [...pip, '-r', 'requirements-evaluation.txt'], {
      root,
      hint: 'about 0.5 GB',
    });
    if (problem === null) stampEvaluation(root);
    return problem;
  },
  'git-hooks': async (root) => {
    say('git hooks: .githooks');
    setGitHooks(root);
    return null;
  },
};

/** Makes .venv-evaluation find the packages of .venv after its own: torch once on the disk is enough. @param {string} root */
function seePackagesOf(root) {
  const [python = ''] = readdirSync(join(root, '.venv-evaluation', 'lib'));
  const packages = join('lib', python, 'site-packages');
  const file = join(root, '.venv-evaluation', packages, 'packages-of-venv.pth');
  writeFileSync(file, `${join('..', '..', '..', '..', '.venv', packages)}\n`);
}

/**
 * @param {string} what the step in words
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ root: string, hint: string, env?: NodeJS.ProcessEnv }} options
 */
async function runStep(what, command, args, { root, hint, env = process.env }) {
  say(`${what}: installing (${hint})`);
  const beat = (/** @type {number} */ seconds) => say(`${what}: still installing, ${seconds.toFixed(0)} s`);
  const { ok, output, seconds } = await runQuietly(command, args, { cwd: root, env, beat });
  if (ok) {
    say(`${what}: done in ${seconds.toFixed(1)} s`);
    return null;
  }
  console.error(headAndTail(output.trimEnd().split('\n')).join('\n'));
  return explainFailure(`installing ${what}`, output);
}

/** npm says what is wrong first and pip last. @param {readonly string[]} lines */
function headAndTail(lines) {
  return lines.length <= 30 ? lines : [...lines.slice(0, 15), '…', ...lines.slice(-15)];
}

/** @returns {0} */
function done() {
  say('everything is in place');
  return 0;
}

/** @param {readonly string[]} problems @returns {1} */
function fail(problems) {
  for (const problem of problems) console.error(`setup: ${problem}`);
  return 1;
}

/** @param {string} line */
function say(line) {
  console.log(`setup: ${line}`);
}
