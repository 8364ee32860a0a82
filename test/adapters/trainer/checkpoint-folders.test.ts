import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { listCheckpoints, verifyCheckpoint } from '../../../adapters/trainer/checkpoint-folders.ts';
import { digestOf } from '../../support/lineage-values.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const WEIGHTS = 'weights';
const OPTIMIZER = 'optimizer';

/** What COMPLETE of a checkpoint says. */
function markerOf(step: number): Readonly<Record<string, unknown>> {
  const files = Object.fromEntries(
    [WEIGHTS, OPTIMIZER].map((text) => [`${text}.bin`, { sizeBytes: text.length, sha256: digestOf(text) }]),
  );
  return { schema: 'regraft.checkpoint/1', step, attempt: 1, files };
}

/** Writes checkpoint-<step>; the marker may be another text, or none. */
async function writeCheckpoint(
  folder: string,
  step: number,
  marker: string | null = JSON.stringify(markerOf(step)),
): Promise<string> {
  const checkpoint = path.join(folder, 'checkpoints', `checkpoint-${String(step)}`);
  await mkdir(checkpoint, { recursive: true });
  for (const text of [WEIGHTS, OPTIMIZER]) await writeFile(path.join(checkpoint, `${text}.bin`), text);
  if (marker !== null) await writeFile(path.join(checkpoint, 'COMPLETE'), marker);
  return checkpoint;
}

const stepsOf = async (folder: string): Promise<readonly number[]> =>
  (await listCheckpoints(folder)).map(({ step }) => step);

describe('listCheckpoints', () => {
  it('orders by number: 200 before 1000', async () => {
    const folder = await temporaryFolder();
    for (const step of [1000, 200, 25]) await writeCheckpoint(folder, step);
    expect(await listCheckpoints(folder)).toEqual(
      [25, 200, 1000].map((step) => ({
        step,
        folder: path.join(folder, 'checkpoints', `checkpoint-${String(step)}`),
        relativePath: `checkpoints/checkpoint-${String(step)}`,
      })),
    );
  });

  it('finds none where none was written', async () => {
    expect(await listCheckpoints(await temporaryFolder())).toEqual([]);
  });

  it.each([
    ['without its marker', null],
    ['with a torn marker', '{"schema":"regraft.checkpoint/1","st'],
    ['with an empty marker', ''],
    ['with the marker of another step', JSON.stringify(markerOf(25))],
    ['with the marker of another schema', JSON.stringify({ ...markerOf(50), schema: 'regraft.checkpoint/2' })],
    ['whose marker names no files', JSON.stringify({ ...markerOf(50), files: undefined })],
  ])('leaves out one %s', async (_claim, marker) => {
    const folder = await temporaryFolder();
    await writeCheckpoint(folder, 25);
    await writeCheckpoint(folder, 50, marker);
    expect(await stepsOf(folder)).toEqual([25]);
  });

  it.each([
    ['is too short', (file: string) => writeFile(file, 'weig')],
    ['is too long', (file: string) => writeFile(file, 'weights and more')],
    ['is missing', (file: string) => rm(file)],
  ])('leaves out one a file of which %s', async (_claim, damage) => {
    const folder = await temporaryFolder();
    await damage(path.join(await writeCheckpoint(folder, 25), 'weights.bin'));
    expect(await stepsOf(folder)).toEqual([]);
  });

  it('takes only folders that are called as the contract says', async () => {
    const folder = await temporaryFolder();
    await writeCheckpoint(folder, 25);
    for (const name of ['checkpoint-050', 'checkpoint-', 'checkpoint-7.tmp', 'best', 'checkpoint--1']) {
      const odd = path.join(folder, 'checkpoints', name);
      await mkdir(odd);
      await writeFile(path.join(odd, 'COMPLETE'), JSON.stringify({ ...markerOf(50), files: {} }));
    }
    expect(await stepsOf(folder)).toEqual([25]);
  });
});

describe('verifyCheckpoint', () => {
  it('passes what is as the marker says', async () => {
    const folder = await temporaryFolder();
    await writeCheckpoint(folder, 25);
    expect(await Promise.all((await listCheckpoints(folder)).map(verifyCheckpoint))).toEqual([true]);
  });

  it.each([WEIGHTS, OPTIMIZER])('finds one flipped bit in %s.bin, which sizes do not show', async (text) => {
    const folder = await temporaryFolder();
    const checkpoint = await writeCheckpoint(folder, 25);
    const bytes = Buffer.from(text);
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    await writeFile(path.join(checkpoint, `${text}.bin`), bytes);
    const listed = await listCheckpoints(folder);
    expect(listed).toHaveLength(1);
    expect(await Promise.all(listed.map(verifyCheckpoint))).toEqual([false]);
  });

  it('does not pass one that has gone since it was listed', async () => {
    const folder = await temporaryFolder();
    const checkpoint = await writeCheckpoint(folder, 25);
    const listed = await listCheckpoints(folder);
    await rm(checkpoint, { recursive: true });
    expect(await Promise.all(listed.map(verifyCheckpoint))).toEqual([false]);
  });
});
