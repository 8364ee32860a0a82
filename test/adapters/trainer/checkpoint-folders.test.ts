import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { listCheckpoints, removeCheckpoints, verifyCheckpoint } from '../../../adapters/trainer/checkpoint-folders.ts';
import { digestOf } from '../../support/lineage-values.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const WEIGHTS = 'model.safetensors';
const FULL = [WEIGHTS, 'optimizer.pt', 'scheduler.pt', 'rng_state.pth', 'trainer_state.json'];

const textOf = (file: string): string => `what is in ${file}`;

/** What COMPLETE of a checkpoint says. */
function markerOf(step: number, files: readonly string[] = FULL): Readonly<Record<string, unknown>> {
  const entries = files.map((file) => [file, { sizeBytes: textOf(file).length, sha256: digestOf(textOf(file)) }]);
  return { schema: 'regraft.checkpoint/1', step, attempt: 3, files: Object.fromEntries(entries) as unknown };
}

/** Writes checkpoint-<step> with these files; the marker may be another text, or none. */
async function writeCheckpoint(
  folder: string,
  step: number,
  {
    files = FULL,
    marker = JSON.stringify(markerOf(step, files)),
  }: { files?: readonly string[]; marker?: string | null } = {},
): Promise<string> {
  const checkpoint = path.join(folder, 'checkpoints', `checkpoint-${String(step)}`);
  await mkdir(checkpoint, { recursive: true });
  for (const file of files) {
    await mkdir(path.dirname(path.join(checkpoint, file)), { recursive: true });
    await writeFile(path.join(checkpoint, file), textOf(file));
  }
  if (marker !== null) await writeFile(path.join(checkpoint, 'COMPLETE'), marker);
  return checkpoint;
}

const stepsOf = async (folder: string): Promise<readonly number[]> =>
  (await listCheckpoints(folder)).complete.map(({ step }) => step);

/** Why the only checkpoint of a folder cannot be resumed from, though its sizes are right; null: it can. */
async function verified(folder: string): Promise<string | null> {
  const { complete, rejected } = await listCheckpoints(folder);
  expect([complete.length, rejected]).toEqual([1, []]);
  const [only] = complete;
  return only === undefined ? 'there is none' : verifyCheckpoint(only);
}

describe('listing checkpoints', () => {
  it('orders them by number: 900, 1000, 5000, 10000', async () => {
    const folder = await temporaryFolder();
    for (const step of [10_000, 900, 5000, 1000]) await writeCheckpoint(folder, step);
    expect(await listCheckpoints(folder)).toEqual({
      complete: [900, 1000, 5000, 10_000].map((step) => ({
        step,
        attempt: 3,
        folder: path.join(folder, 'checkpoints', `checkpoint-${String(step)}`),
        relativePath: `checkpoints/checkpoint-${String(step)}`,
      })),
      rejected: [],
    });
  });

  it('finds none where none was written', async () => {
    expect(await listCheckpoints(await temporaryFolder())).toEqual({ complete: [], rejected: [] });
  });

  it.each([
    ['without its marker', null, 'it has no COMPLETE marker, so it may be half-written'],
    ['with a torn marker', '{"schema":"regraft.checkpoint/1","st', 'its COMPLETE marker cannot be read'],
    ['with an empty marker', '', 'its COMPLETE marker cannot be read'],
    ['with the marker of another step', JSON.stringify(markerOf(25)), 'its marker is for step 25'],
    [
      'with the marker of another schema',
      JSON.stringify({ ...markerOf(50), schema: 'regraft.checkpoint/2' }),
      'its COMPLETE marker cannot be read',
    ],
    [
      'whose marker names no files',
      JSON.stringify({ ...markerOf(50), files: undefined }),
      'its COMPLETE marker cannot be read',
    ],
  ])('rejects one %s', async (_claim, marker, why) => {
    const folder = await temporaryFolder();
    await writeCheckpoint(folder, 25);
    await writeCheckpoint(folder, 50, { marker });
    expect(await stepsOf(folder)).toEqual([25]);
    expect((await listCheckpoints(folder)).rejected).toEqual([{ step: 50, why }]);
  });

  it.each([
    ['is too short', (file: string) => writeFile(file, 'what'), `${WEIGHTS} has 4 bytes, its marker says 28`],
    ['is too long', (file: string) => writeFile(file, 'x'.repeat(29)), `${WEIGHTS} has 29 bytes, its marker says 28`],
    ['is empty', (file: string) => writeFile(file, ''), `${WEIGHTS} has 0 bytes, its marker says 28`],
    ['is missing', (file: string) => rm(file), `${WEIGHTS} is missing`],
  ])('rejects one a file of which %s', async (_claim, damage, why) => {
    const folder = await temporaryFolder();
    await damage(path.join(await writeCheckpoint(folder, 25), WEIGHTS));
    expect(await listCheckpoints(folder)).toEqual({ complete: [], rejected: [{ step: 25, why }] });
  });

  it('takes only folders that are called as the contract says', async () => {
    const folder = await temporaryFolder();
    await writeCheckpoint(folder, 25);
    for (const name of ['checkpoint-050', 'checkpoint-0', 'checkpoint-', 'checkpoint-7.tmp', 'best', 'checkpoint--1']) {
      const odd = path.join(folder, 'checkpoints', name);
      await mkdir(odd);
      await writeFile(path.join(odd, 'COMPLETE'), JSON.stringify(markerOf(50, [])));
    }
    expect(await listCheckpoints(folder)).toMatchObject({ complete: [{ step: 25 }], rejected: [] });
  });
});

describe('verifying a checkpoint', () => {
  it('passes what is as the marker says', async () => {
    const folder = await temporaryFolder();
    await writeCheckpoint(folder, 25);
    expect(await verified(folder)).toBeNull();
  });

  it.each(FULL)('finds one flipped bit in %s, which sizes do not show', async (file) => {
    const folder = await temporaryFolder();
    const checkpoint = await writeCheckpoint(folder, 25);
    const bytes = Buffer.from(textOf(file));
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    await writeFile(path.join(checkpoint, file), bytes);
    expect(await verified(folder)).toMatch(
      new RegExp(`^${file} has sha256 [0-9a-f]{12}…, its marker says [0-9a-f]{12}…$`),
    );
  });

  it.each([
    ['optimizer.pt', 'optimizer state (optimizer.pt)'],
    ['scheduler.pt', 'scheduler state (scheduler.pt)'],
    ['rng_state.pth', 'random-number state (rng_state.pth)'],
    ['trainer_state.json', 'step and data position (trainer_state.json)'],
  ])('refuses one that never had %s, and says so', async (file, what) => {
    const folder = await temporaryFolder();
    await writeCheckpoint(folder, 25, { files: FULL.filter((other) => other !== file) });
    expect(await verified(folder)).toBe(`it has no ${what}: weights alone are no place to resume from`);
  });

  it('refuses weights alone, naming all that they lack', async () => {
    const folder = await temporaryFolder();
    await writeCheckpoint(folder, 25, { files: [WEIGHTS] });
    expect(await verified(folder)).toBe(
      'it has no optimizer state (optimizer.pt), no scheduler state (scheduler.pt), no random-number state ' +
        '(rng_state.pth), no step and data position (trainer_state.json): weights alone are no place to resume from',
    );
  });

  it('takes what other trainers call their state: one random-number file a rank, DeepSpeed’s folders', async () => {
    const folder = await temporaryFolder();
    const files = [
      WEIGHTS,
      'global_step25/zero_pp_rank_0.pt',
      'rng_state_0.pth',
      'rng_state_1.pth',
      'trainer_state.json',
    ];
    await writeCheckpoint(folder, 25, { files });
    expect(await verified(folder)).toBeNull();
  });

  it('finds a flipped bit in a sub-folder', async () => {
    const folder = await temporaryFolder();
    const file = 'global_step25/zero_pp_rank_0.pt';
    const checkpoint = await writeCheckpoint(folder, 25, { files: [...FULL, file] });
    await writeFile(path.join(checkpoint, file), textOf(file).toUpperCase());
    expect(await verified(folder)).toContain(`${file} has sha256`);
  });

  it.each([
    ['has gone', (checkpoint: string) => rm(checkpoint, { recursive: true }), 'no COMPLETE marker'],
    ['has lost a file', (checkpoint: string) => rm(path.join(checkpoint, 'optimizer.pt')), 'optimizer.pt is missing'],
  ])('refuses one that %s since it was listed', async (_claim, damage, why) => {
    const folder = await temporaryFolder();
    const checkpoint = await writeCheckpoint(folder, 25);
    const { complete } = await listCheckpoints(folder);
    await damage(checkpoint);
    expect(await Promise.all(complete.map(verifyCheckpoint))).toEqual([expect.stringContaining(why)]);
  });
});

describe('removing checkpoints', () => {
  it('takes those steps, whole or half-written, and nothing else; again it does nothing', async () => {
    const folder = await temporaryFolder();
    for (const step of [25, 50, 100]) await writeCheckpoint(folder, step);
    await writeCheckpoint(folder, 75, { marker: null });
    await mkdir(path.join(folder, 'checkpoints', 'notes'));
    for (let times = 1; times <= 2; times += 1) {
      await removeCheckpoints(folder, [50, 75, 1000]);
      const left = await readdir(path.join(folder, 'checkpoints'));
      expect(left.sort()).toEqual(['checkpoint-100', 'checkpoint-25', 'notes']);
    }
  });

  it('does nothing where there is no folder', async () => {
    await expect(removeCheckpoints(await temporaryFolder(), [25])).resolves.toBeUndefined();
  });
});
