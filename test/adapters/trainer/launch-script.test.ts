import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { listCheckpoints } from '../../../adapters/trainer/checkpoint-folders.ts';
import type { Launch } from '../../../adapters/trainer/launcher.ts';
import { readTrainingSteps } from '../../../adapters/trainer/training-steps.ts';
import {
  exitOf,
  LONG,
  makeLauncher,
  prepare,
  programIn,
  startScripted,
  trainingFolder,
  untilGone,
  untilStep,
  type Script,
} from '../../support/local-trainer.ts';
import { waitUntil } from '../../support/wait-until.ts';

const LAUNCH_SH = fileURLToPath(new URL('../../../adapters/trainer/launch.sh', import.meta.url));
const launcher = makeLauncher();

/** Every file of a folder and what it holds. */
async function contentOf(folder: string): Promise<readonly (readonly [string, string])[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => path.join(parentPath, name));
  return Promise.all(files.sort().map(async (file) => [file, await readFile(file, 'utf8')] as const));
}

/** Dates the last renewal, seconds from now. */
async function dateLease(folder: string, seconds: number): Promise<void> {
  const date = new Date(Date.now() + seconds * 1000);
  await utimes(path.join(folder, 'lease.json'), date, date);
}

/** One with a lease of a second, which after its first step was renewed for the last time an hour ago. */
async function forsaken(folder: string, script: Script = {}): Promise<Launch> {
  const launch = await prepare(folder, 1, { ...LONG, ...script });
  await dateLease(folder, 3600);
  await launcher.start(launch, programIn(folder, 1));
  await untilStep(folder);
  expect(await launcher.state(launch)).toEqual({ kind: 'running' });
  await dateLease(folder, -3600);
  return launch;
}

describe('a launch that comes late', () => {
  it('finds another one’s name, leaves 76 and everything as it was', async () => {
    const folder = await trainingFolder();
    const late = await prepare(folder, 1);
    const running = await startScripted(folder, 2, { steps: 1 });
    await exitOf(running);
    await untilGone(folder);
    const before = await contentOf(folder);
    const { status } = spawnSync('/bin/sh', [LAUNCH_SH, folder, late.token, '600', '/bin/touch', `${folder}/touched`]);
    expect(status).toBe(76);
    expect(await contentOf(folder)).toEqual(before);
  });
});

describe('a trainer that nobody looks after any more', () => {
  it('is told to save and end, and says why in its log', async () => {
    const folder = await trainingFolder();
    const launch = await forsaken(folder);
    expect(await exitOf(launch)).toBe(75);
    const last = (await readTrainingSteps(folder, 0)).steps.at(-1)?.step;
    expect((await listCheckpoints(folder)).complete.map(({ step }) => step)).toEqual([last]);
    expect(await readFile(path.join(folder, 'trainer.log'), 'utf8')).toContain(
      'nobody has renewed the lease for more than 1 s',
    );
    await untilGone(folder);
  });

  it('is told so also when it does not listen, and is not killed at once', async () => {
    const folder = await trainingFolder();
    const launch = await forsaken(folder, { deaf: true });
    await waitUntil('it was told', async () => (await readdir(folder)).includes('told'));
    expect(await launcher.state(launch)).toEqual({ kind: 'running' });
  });

  it.each([
    ['its lease', 'lease.json'],
    ['its whole folder', '.'],
  ])('ends when %s is removed', async (_what, name) => {
    const folder = await trainingFolder();
    const launch = await prepare(folder, 1, LONG);
    await launcher.start(launch, programIn(folder, 1));
    await untilStep(folder);
    await rm(path.join(folder, name), { recursive: true });
    await untilGone(folder);
  });

  it('goes on while its lease is fresh, however often somebody looks', async () => {
    const folder = await trainingFolder();
    const launch = await prepare(folder, 1, LONG);
    await dateLease(folder, 3600);
    await launcher.start(launch, programIn(folder, 1));
    const looks = new Set<number>();
    await waitUntil('the lease was looked at three times', async () => {
      const look = await stat(path.join(folder, 'lease.now')).catch(() => null);
      if (look !== null) looks.add(look.mtimeMs);
      return looks.size >= 3;
    });
    expect(await launcher.state(launch)).toEqual({ kind: 'running' });
  });
});
