// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Whether git should be told where our hooks are: only in a git checkout whose hooks path nobody has set.
 * @param {string} root
 */
export function wantsGitHooks(root) {
  if (!existsSync(join(root, '.git'))) return false;
  const asked = git(root, ['config', '--local', '--get', 'core.hooksPath']);
  // Status 1 is git's way to say "not set"; anything else (no git, a path of the user's own) is left alone.
  return asked.status === 1;
}

/** Points this checkout's git at .githooks; does nothing where that is not wanted. @param {string} root */
export function setGitHooks(root) {
  if (wantsGitHooks(root)) git(root, ['config', '--local', 'core.hooksPath', '.githooks']);
}

/** @param {string} root @param {readonly string[]} args */
function git(root, args) {
  return spawnSync('git', ['-C', root, ...args], { stdio: 'ignore' });
}
