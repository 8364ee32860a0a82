import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { measureProcess, type Measured } from '../../../scripts/bench/measure-process.ts';

let place: string;
beforeEach(() => (place = mkdtempSync(join(tmpdir(), 'regraft-measure-'))));
afterEach(() => rmSync(place, { recursive: true }));

const measure = async (...command: string[]): Promise<Measured> =>
  await measureProcess({
    command,
    cwd: place,
    env: process.env,
    python: resolve('.venv/bin/python'),
    scratch: join(place, 'run.json'),
  });
/** Holds 200 MB for half a second. */
const HOLD = 'const held = Buffer.alloc(200e6, 1); setTimeout(() => held.at(0), 500);';

it('counts seconds from start to end, and the memory of the process', async () => {
  const { wallSeconds, peakBytes } = await measure(process.execPath, '-e', HOLD);
  expect(wallSeconds).toBeGreaterThan(0.5);
  expect(peakBytes).toBeGreaterThan(200e6);
  expect(peakBytes).toBeLessThan(400e6);
});

it('adds up what processes hold at the same time, children of children included', async () => {
  const pair = `"$0" -e "$1" & sh -c '"$0" -e "$1"; true' "$0" "$1"; wait`;
  const { peakBytes } = await measure('sh', '-c', pair, process.execPath, HOLD);
  expect(peakBytes).toBeGreaterThan(400e6);
});

it('gives the words of a command that failed, and leaves no result', async () => {
  await expect(measure('sh', '-c', 'echo the disk is on fire >&2; exit 3')).rejects.toThrow('the disk is on fire');
  await expect(measure('no-such-program')).rejects.toThrow('no-such-program');
});

it('does not take the result of an earlier run for its own, and removes what it wrote', async () => {
  await measure('true');
  expect(existsSync(join(place, 'run.json'))).toBe(false);
});
