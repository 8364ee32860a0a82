// @ts-check

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
const SIGNALS = /** @type {(keyof typeof EXIT_CODES)[]} */ (Object.keys(EXIT_CODES));

/**
 * Sends the signals that ask for an end on to a child and everything it started, then leaves as the signal says. The child
 * must lead a process group of its own (`detached: true`): a test runner that is ended alone leaves its workers behind.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => void} stops doing so
 */
export function passSignals(child) {
  const pass = (/** @type {keyof typeof EXIT_CODES} */ signal) => {
    child.once('close', () => process.exit(EXIT_CODES[signal]));
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The group has ended already; its close is on the way.
    }
  };
  for (const signal of SIGNALS) process.on(signal, pass);
  return () => {
    for (const signal of SIGNALS) process.off(signal, pass);
  };
}
