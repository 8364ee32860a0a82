import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBenchFolder, removeBenchFolder } from '../../../scripts/bench/bench-folder.ts';

let place: string;
beforeEach(() => (place = mkdtempSync(join(tmpdir(), 'regraft-bench-folder-'))));
afterEach(() => rmSync(place, { recursive: true }));

it('opens a folder that is not there, and the same again', async () => {
  const folder = join(place, 'deep', 'bench');
  await openBenchFolder(folder);
  writeFileSync(join(folder, 'model'), 'kept');
  await openBenchFolder(folder);
  expect(existsSync(join(folder, 'model'))).toBe(true);
});

it('removes a folder of its own, and nothing where there is none', async () => {
  const folder = join(place, 'bench');
  await openBenchFolder(folder);
  await removeBenchFolder(folder);
  expect(existsSync(folder)).toBe(false);
  await removeBenchFolder(folder);
});

it("neither opens nor removes a folder of somebody else's", async () => {
  const folder = join(place, 'letters');
  mkdirSync(join(folder, 'out'), { recursive: true });
  await expect(openBenchFolder(folder)).rejects.toThrow(`${folder}: not a benchmark's folder`);
  await expect(removeBenchFolder(folder)).rejects.toThrow("not a benchmark's folder");
  expect(existsSync(join(folder, 'out'))).toBe(true);
});
