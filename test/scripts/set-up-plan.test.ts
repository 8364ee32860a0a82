import { describe, expect, it } from 'vitest';
import { findProblems, planSetUp } from '../../scripts/lib/set-up-plan.mjs';

const finished = {
  npm: { wanted: 'lock-1', installed: 'lock-1' },
  venv: { wanted: 'requirements-1\n/home/ada/regraft/', installed: 'requirements-1\n/home/ada/regraft/' },
  venvExists: true,
  venvRuns: true,
  evaluation: null,
  wantsHooks: false,
};
const python = { command: 'python3', version: '3.12.4', hasVenv: true };
const roomy = { python, freeBytes: 50e9 };

describe('what a set-up has to do', () => {
  it('does nothing when everything is in place', () => {
    expect(planSetUp(finished)).toEqual([]);
  });

  it('does everything, in order, in a fresh clone', () => {
    const fresh = {
      npm: { wanted: 'lock-1', installed: null },
      venv: { wanted: 'requirements-1\n/home/ada/regraft/', installed: null },
      venvExists: false,
      venvRuns: false,
      evaluation: null,
      wantsHooks: true,
    };
    expect(planSetUp(fresh)).toEqual(['npm-packages', 'make-venv', 'python-packages', 'git-hooks']);
    const evaluation = { wanted: 'evaluation-1', installed: null };
    expect(planSetUp({ ...fresh, evaluation })).toEqual([
      ...['npm-packages', 'make-venv', 'python-packages', 'evaluation-environment', 'git-hooks'],
    ]);
  });

  it('installs the npm packages again, and nothing else, when the lock file changed', () => {
    expect(planSetUp({ ...finished, npm: { wanted: 'lock-2', installed: 'lock-1' } })).toEqual(['npm-packages']);
  });

  it('brings a whole environment up to date in place when the requirements changed', () => {
    const venv = { ...finished.venv, wanted: 'requirements-2\n/home/ada/regraft/' };
    expect(planSetUp({ ...finished, venv })).toEqual(['python-packages']);
  });

  it('makes the environment of lm-eval only where it is asked for, and once', () => {
    const evaluation = { wanted: 'evaluation-1', installed: 'evaluation-1' };
    expect(planSetUp({ ...finished, evaluation })).toEqual([]);
    const steps = planSetUp({ ...finished, evaluation: { ...evaluation, wanted: 'evaluation-2' } });
    expect(steps).toEqual(['evaluation-environment']);
  });

  it('removes an environment whose making was interrupted', () => {
    const venv = { ...finished.venv, installed: null };
    expect(planSetUp({ ...finished, venv })).toEqual(['remove-venv', 'make-venv', 'python-packages']);
  });

  it('removes an environment whose interpreter is gone, though its stamp is right', () => {
    expect(planSetUp({ ...finished, venvRuns: false })).toEqual(['remove-venv', 'make-venv', 'python-packages']);
  });

  it('makes the environment anew when the checkout was moved', () => {
    const venv = { ...finished.venv, wanted: 'requirements-1\n/home/ada/elsewhere/' };
    expect(planSetUp({ ...finished, venv })).toEqual(['remove-venv', 'make-venv', 'python-packages']);
  });
});

describe('what stands in its way', () => {
  it('finds nothing wrong with a roomy machine and a current Python', () => {
    expect(findProblems(['npm-packages', 'make-venv', 'python-packages'], roomy)).toEqual([]);
  });

  it('says that Python is missing and how to name another', () => {
    const missing = { command: 'python3', version: null, hasVenv: false };
    expect(findProblems(['make-venv'], { ...roomy, python: missing })).toEqual([
      'Python was not found: `python3` does not start; install Python 3.10 or newer, or name one with REGRAFT_PYTHON=/path/to/python3.',
    ]);
  });

  it('compares Python versions by number: 3.9 is too old and 3.14 is not', () => {
    const problemsOf = (version: string) => findProblems(['make-venv'], { ...roomy, python: { ...python, version } });
    expect(problemsOf('3.9.18')[0]).toContain('is Python 3.9.18 and the trainer needs 3.10');
    expect(problemsOf('3.14.0')).toEqual([]);
  });

  it('names the package to install when the venv module is missing', () => {
    const problems = findProblems(['make-venv'], { ...roomy, python: { ...python, hasVenv: false } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('apt-get install python3-venv');
  });

  it('asks for the room that the steps need, and for none when they need none', () => {
    const full = { python: null, freeBytes: 1.5e9 };
    expect(findProblems(['npm-packages', 'make-venv'], full)).toEqual([
      'This disk has 1.5 GB free and the set-up needs 4.0 GB; make room and run it again.',
    ]);
    expect(findProblems(['npm-packages'], full)).toEqual([]);
    expect(findProblems(['git-hooks'], { python: null, freeBytes: 0 })).toEqual([]);
  });

  it('reports all problems at once', () => {
    const bare = { python: { ...python, version: '3.8.1' }, freeBytes: 1e9 };
    expect(findProblems(['make-venv', 'python-packages'], bare)).toHaveLength(2);
  });
});
