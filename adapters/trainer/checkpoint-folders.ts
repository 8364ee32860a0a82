import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { CheckpointFolder, FoundCheckpoints } from '../../activities/training-ports.ts';
import { isErrno } from '../store/atomic-file.ts';
import { sha256OfFile } from '../store/fs-blobs.ts';
import { readText } from './trainer-folder.ts';

const markerSchema = z.object({
  schema: z.literal('regraft.checkpoint/1'),
  step: z.int().min(1),
  attempt: z.int().min(1),
  files: z.record(z.string(), z.object({ sizeBytes: z.int().min(0), sha256: z.string() })),
});
type Marker = z.output<typeof markerSchema>;

/**
 * What a resume needs beside the weights, and what lacks without it. transformers' Trainer takes a checkpoint without
 * the first three and goes elsewhere from there. DeepSpeed keeps optimizer and scheduler in `global_stepN/`.
 */
const RESUME_STATE: readonly { readonly what: string; readonly file: RegExp }[] = [
  { what: 'optimizer state (optimizer.pt)', file: /^(optimizer|global_step)/ },
  { what: 'scheduler state (scheduler.pt)', file: /^(scheduler|global_step)/ },
  { what: 'random-number state (rng_state.pth)', file: /^rng_state/ },
  { what: 'step and data position (trainer_state.json)', file: /^trainer_state\.json$/ },
];

/** Checkpoints of a training folder by number, 1000 after 900: complete with marker and the marker's sizes, or not. */
export async function listCheckpoints(folder: string): Promise<FoundCheckpoints> {
  const complete: CheckpointFolder[] = [];
  const rejected: { step: number; why: string }[] = [];
  for (const { name, step } of await numbered(folder)) {
    const checkpoint = path.join(folder, 'checkpoints', name);
    const marker = await readMarker(checkpoint);
    const why = typeof marker === 'string' ? marker : await incomplete(checkpoint, step, marker);
    if (why !== null || typeof marker === 'string') rejected.push({ step, why: why ?? '' });
    else complete.push({ step, attempt: marker.attempt, folder: checkpoint, relativePath: `checkpoints/${name}` });
  }
  return { complete, rejected };
}

/**
 * Why a checkpoint cannot be resumed from: a file whose bytes are not those of the marker, or state that is not there at
 * all. Null when it can. Reads every byte.
 */
export async function verifyCheckpoint(checkpoint: CheckpointFolder): Promise<string | null> {
  const marker = await readMarker(checkpoint.folder);
  if (typeof marker === 'string') return marker;
  const why = await incomplete(checkpoint.folder, checkpoint.step, marker);
  if (why !== null) return why;
  const files = Object.keys(marker.files);
  const missing = RESUME_STATE.filter(({ file }) => !files.some((name) => file.test(name)));
  if (missing.length > 0) {
    return `it has no ${missing.map(({ what }) => what).join(', no ')}: weights alone are no place to resume from`;
  }
  for (const [file, { sha256 }] of Object.entries(marker.files)) {
    const found = await sha256OfFile(path.join(checkpoint.folder, file));
    if (found !== sha256) return `${file} has sha256 ${found.slice(0, 12)}…, its marker says ${sha256.slice(0, 12)}…`;
  }
  return null;
}

export async function removeCheckpoints(folder: string, steps: readonly number[]): Promise<void> {
  for (const { name, step } of await numbered(folder)) {
    if (steps.includes(step)) await rm(path.join(folder, 'checkpoints', name), { recursive: true, force: true });
  }
}

/** Ascending by number. */
async function numbered(folder: string): Promise<readonly { readonly name: string; readonly step: number }[]> {
  try {
    const names = await readdir(path.join(folder, 'checkpoints'));
    const found = names.flatMap((name) => {
      const step = /^checkpoint-([1-9][0-9]*)$/.exec(name)?.[1];
      return step === undefined ? [] : [{ name, step: Number(step) }];
    });
    return found.sort((left, right) => left.step - right.step);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** The marker, or why there is none that means anything. */
async function readMarker(checkpoint: string): Promise<Marker | string> {
  const text = await readText(path.join(checkpoint, 'COMPLETE'));
  if (text === null) return 'it has no COMPLETE marker, so it may be half-written';
  try {
    return markerSchema.parse(JSON.parse(text));
  } catch {
    return 'its COMPLETE marker cannot be read';
  }
}

/** What the names and sizes of its files already tell; null: nothing. */
async function incomplete(checkpoint: string, step: number, marker: Marker): Promise<string | null> {
  if (marker.step !== step) return `its marker is for step ${String(marker.step)}`;
  for (const [file, { sizeBytes }] of Object.entries(marker.files)) {
    const size = await sizeOf(path.join(checkpoint, file));
    if (size === null) return `${file} is missing`;
    if (size !== sizeBytes) return `${file} has ${String(size)} bytes, its marker says ${String(sizeBytes)}`;
  }
  return null;
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
