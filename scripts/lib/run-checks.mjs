// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECK_STEPS } from './check-steps.mjs';
import { runQuietly } from './run-quietly.mjs';

const AT_A_TIME = 2;

/**
 * @typedef {object} CheckResult
 * @property {string} name
 * @property {boolean} ok
 * @property {number} seconds
 * @property {string} output
 */

/**
 * Runs every check, two at a time, prints one line as each ends and all the failures at the end, and leaves the results in
 * .regraft/test/check.json.
 * @param {string} root
 * @returns {Promise<CheckResult[]>} in the order of CHECK_STEPS
 */
export async function runChecks(root) {
  const folder = join(root, '.regraft', 'test');
  mkdirSync(folder, { recursive: true });
  const results = await mapAtATime(CHECK_STEPS, AT_A_TIME, async ({ name, command }) => {
    const [program = '', ...args] = command;
    const { ok, output, seconds } = await runQuietly(program, args, { cwd: root });
    console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(16)} ${seconds.toFixed(1).padStart(5)} s`);
    return { name, ok, seconds, output };
  });
  for (const { name, output } of results.filter(({ ok }) => !ok)) {
    console.log(`\n---- ${name} ----\n${output.trimEnd()}`);
  }
  writeFileSync(join(folder, 'check.json'), `${JSON.stringify(results, null, 2)}\n`);
  return results;
}

/**
 * Like Promise.all over the items, with so many begun and not ended at any time; results keep the items' order.
 * @template Item, Result
 * @param {readonly Item[]} items
 * @param {number} atATime
 * @param {(item: Item) => Promise<Result>} work
 * @returns {Promise<Result[]>}
 */
export async function mapAtATime(items, atATime, work) {
  /** @type {Result[]} */
  const results = [];
  const waiting = items.entries();
  const lane = async () => {
    for (const [index, item] of waiting) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: atATime }, lane));
  return results;
}
