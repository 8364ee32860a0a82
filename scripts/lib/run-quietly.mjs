// @ts-check
import { spawn } from 'node:child_process';
import { passSignals } from './pass-signals.mjs';

const HEARTBEAT_MS = 10_000;
const KEPT_CHARACTERS = 100_000;

/**
 * Runs a command, keeps what it prints, and calls `beat` every ten seconds so that a waiting person sees life. A signal to
 * this process ends the command first.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, beat?: (seconds: number) => void }} options
 * @returns {Promise<{ ok: boolean, output: string, seconds: number }>} output is the end of stdout and stderr together
 */
export function runQuietly(command, args, { cwd, env = process.env, beat = () => undefined }) {
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1000;
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString()).slice(-KEPT_CHARACTERS);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const beating = setInterval(() => beat(seconds()), HEARTBEAT_MS);
    const forgetSignals = passSignals(child);
    const finish = (/** @type {boolean} */ ok) => {
      clearInterval(beating);
      forgetSignals();
      resolve({ ok, output, seconds: seconds() });
    };
    child.on('error', (error) => {
      output += `${command}: ${error.message}\n`;
      finish(false);
    });
    child.on('close', (code) => finish(code === 0));
  });
}
