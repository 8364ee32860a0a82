// @ts-check
// Imports nothing and uses old syntax only: it must load on any Node that knows modules.

/** The oldest Node that everything here runs on; the same as `engines.node` in package.json. */
export const OLDEST_NODE = '20.19.0';

/**
 * Says in one sentence why this Node or platform will not do; null when it will.
 * @param {string} version such as `20.19.4`
 * @param {string} platform as in `process.platform`
 * @returns {string | null}
 */
export function nodeProblem(version, platform) {
  if (platform === 'win32') return 'Windows is not supported; run it inside WSL (Windows Subsystem for Linux).';
  if (isOlder(version, OLDEST_NODE)) {
    return `Node ${version} is too old: Regraft needs ${OLDEST_NODE} or newer; install a current Node and run it again.`;
  }
  return null;
}

/**
 * Compares dotted versions by number, not by text: 20.9 is older than 20.19.
 * @param {string} version
 * @param {string} than
 * @returns {boolean}
 */
export function isOlder(version, than) {
  const left = version.split('.').map(Number);
  const right = than.split('.').map(Number);
  for (let part = 0; part < right.length; part += 1) {
    const difference = (left[part] || 0) - (right[part] || 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
