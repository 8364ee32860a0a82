import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stampNpm, stampVenv } from '../../scripts/lib/stamps.mjs';

let root: string;
beforeEach(() => {
  // The slash at the end is part of the path that the script gives itself.
  root = `${mkdtempSync(join(tmpdir(), 'regraft-setup-'))}/`;
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(root, 'trainer'));
  mkdirSync(join(root, 'node_modules'));
  cpSync('scripts/setup.mjs', join(root, 'scripts/setup.mjs'));
  cpSync('scripts/lib', join(root, 'scripts/lib'), { recursive: true });
  cpSync('bin/regraft.mjs', join(root, 'bin/regraft.mjs'));
  writeFileSync(join(root, 'package-lock.json'), '{}');
  writeFileSync(join(root, 'requirements.txt'), 'torch==2.13.0\n');
  writeFileSync(join(root, 'requirements-evaluation.txt'), 'lm_eval==0.4.13\n');
  writeFileSync(join(root, 'trainer/pyproject.toml'), '[project]\n');
  stampNpm(root);
});
afterEach(() => rmSync(root, { recursive: true }));

const run = (script: string, env: Record<string, string> = {}) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, script)], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr };
};
const finishVenv = (): void => {
  mkdirSync(join(root, '.venv/bin'), { recursive: true });
  symlinkSync(process.execPath, join(root, '.venv/bin/python'));
  stampVenv(root);
};

it('says in one sentence that Python is missing, exits 1, and leaves no lock', () => {
  const { status, stderr } = run('scripts/setup.mjs', { REGRAFT_PYTHON: '/no/such/python3' });
  expect(stderr).toBe(
    'setup: Python was not found: `/no/such/python3` does not start; install Python 3.10 or newer, or name one with REGRAFT_PYTHON=/path/to/python3.\n',
  );
  expect(status).toBe(1);
  expect(readdirSync(join(root, '.regraft'))).toEqual([]);
});

it('prints one line and changes nothing when everything is in place', () => {
  finishVenv();
  const before = readdirSync(root, { recursive: true });
  expect(run('scripts/setup.mjs', { REGRAFT_PYTHON: '/no/such/python3' })).toEqual({
    status: 0,
    stdout: 'setup: everything is in place\n',
    stderr: '',
  });
  expect(readdirSync(root, { recursive: true })).toEqual(before);
});

it('looks for Python before it removes an environment that it would have to replace', () => {
  finishVenv();
  writeFileSync(join(root, '.venv/.regraft-requirements'), 'old\n/somewhere/else/');
  expect(run('scripts/setup.mjs', { REGRAFT_PYTHON: '/no/such/python3' }).status).toBe(1);
  expect(existsSync(join(root, '.venv/bin/python'))).toBe(true);
});

it('points git at the hooks in a checkout whose hooks path nobody has set', () => {
  finishVenv();
  const git = (...args: string[]) => spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' }).stdout.trim();
  git('init');
  expect(run('scripts/setup.mjs').stdout).toBe('setup: git hooks: .githooks\nsetup: everything is in place\n');
  expect(git('config', '--local', 'core.hooksPath')).toBe('.githooks');
  git('config', '--local', 'core.hooksPath', '/my/own');
  expect(run('scripts/setup.mjs').stdout).toBe('setup: everything is in place\n');
  expect(git('config', '--local', 'core.hooksPath')).toBe('/my/own');
});

it('says which file is missing from a checkout that is not whole', () => {
  rmSync(join(root, 'requirements.txt'));
  expect(run('scripts/setup.mjs').stderr).toBe(
    'setup: This checkout is not whole: requirements.txt is missing; clone it again.\n',
  );
});

it('tells a user of the command line to run the set-up first', () => {
  const { status, stderr } = run('bin/regraft.mjs', {});
  expect(stderr).toBe(`regraft: its packages are not installed yet; run \`npm run setup\` in ${root}.\n`);
  expect(status).toBe(1);
});
