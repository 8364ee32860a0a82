import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { CheckpointFolder } from '../../activities/ports.ts';
import { isErrno } from '../store/atomic-file.ts';
import { sha256OfFile } from '../store/fs-blobs.ts';
import { readText } from './trainer-folder.ts';

const markerSchema = z.object({
  schema: z.literal('regraft.checkpoint/1'),
  step: z.int().min(1),
  files: z.record(z.string(), z.object({ sizeBytes: z.int().min(0), sha256: z.string() })),
});
type Marker = z.output<typeof markerSchema>;

/** Checkpoints of a training folder whose marker is there and whose files have the marker's sizes, ascending by step. */
export async function listCheckpoints(folder: string): Promise<readonly CheckpointFolder[]> {
  const found: CheckpointFolder[] = [];
  for (const { name, step } of await numbered(folder)) {
    const checkpoint = path.join(folder, 'checkpoints', name);
    const marker = await readMarker(checkpoint);
    if (marker?.step === step && (await hasSizes(checkpoint, marker))) {
      found.push({ step, folder: checkpoint, relativePath: `checkpoints/${name}` });
    }
  }
  return found.sort((left, right) => left.step - right.step);
}

/** True when every file has the digest that the marker says. Reads all of it. */
export async function verifyCheckpoint(checkpoint: CheckpointFolder): Promise<boolean> {
  const marker = await readMarker(checkpoint.folder);
  if (marker === null || !(await hasSizes(checkpoint.folder, marker))) return false;
  for (const [file, { sha256 }] of Object.entries(marker.files)) {
    if ((await sha256OfFile(path.join(checkpoint.folder, file))) !== sha256) return false;
  }
  return true;
}

/** Removes checkpoints beyond a step: what a resumed trainer will write again must not lie there half or damaged. */
export async function removeCheckpointsAfter(folder: string, step: number): Promise<void> {
  for (const checkpoint of await numbered(folder)) {
    if (checkpoint.step > step) await rm(path.join(folder, 'checkpoints', checkpoint.name), { recursive: true });
  }
}

async function numbered(folder: string): Promise<readonly { readonly name: string; readonly step: number }[]> {
  try {
    const names = await readdir(path.join(folder, 'checkpoints'));
    return names.flatMap((name) => {
      const step = /^checkpoint-([1-9][0-9]*)$/.exec(name)?.[1];
      return step === undefined ? [] : [{ name, step: Number(step) }];
    });
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

async function readMarker(checkpoint: string): Promise<Marker | null> {
  const text = await readText(path.join(checkpoint, 'COMPLETE'));
  if (text === null) return null;
  try {
    return markerSchema.parse(JSON.parse(text));
  } catch {
    return null; // a marker that cannot be read marks nothing
  }
}

async function hasSizes(checkpoint: string, marker: Marker): Promise<boolean> {
  for (const [file, { sizeBytes }] of Object.entries(marker.files)) {
    try {
      if ((await stat(path.join(checkpoint, file))).size !== sizeBytes) return false;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    }
  }
  return true;
}
