import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { WeightsError } from '../errors.ts';
import type { OutputFile } from '../plan/delta-manifest.ts';
import { takeFolderLock, type Release } from './folder-lock.ts';
import { isErrno, toWeightsError } from './fs-error.ts';

/** Holds the plan's digest and the journals while the output is made; not part of it. */
const STATE = '.regraft-unfinished';

/** A folder that nobody sees under its name before it is whole. */
export interface OutputFolder {
  /** Where its files are made: `<out>.partial`, beside it. */
  readonly partial: string;
  /** Where it is remembered how far they have come. */
  readonly journals: string;
  /** Writes a small file; `name` may have one folder before it. */
  readonly writeFile: (name: string, bytes: Uint8Array) => Promise<OutputFile>;
  readonly copyFile: (name: string, from: string) => Promise<OutputFile>;
  /** Makes the folder appear under its name, with these files and nothing else. */
  readonly publish: (files: readonly string[], options: { readonly durable: boolean }) => Promise<void>;
  /** Lets go and leaves what there is, for the next try with the same plan. */
  readonly leave: () => Promise<void>;
  /** Lets go and removes everything. */
  readonly discard: () => Promise<void>;
}

/**
 * Opens `<out>.partial` for the plan with this digest. What an earlier try with the same plan has left is kept; what another
 * plan has left is removed. An empty folder at `out` is taken over.
 *
 * Errors: WEIGHTS_OUTPUT_EXISTS, WEIGHTS_OUTPUT_BUSY (another process makes it right now), WEIGHTS_IO_FAILED.
 */
export async function openOutputFolder(out: string, planDigest: string): Promise<OutputFolder> {
  const final = resolve(out);
  const partial = join(dirname(final), `${basename(final)}.partial`);
  const state = join(partial, STATE);
  if (await isTaken(final)) throw exists(final);
  await makeFolder(dirname(final));
  const release = onlyOnce(await takeFolderLock(`${partial}.lock`, final));
  try {
    if (await isTaken(final)) throw exists(final); // by one that held the lock until now
    await makeFolder(state);
    await keepOnlyOf(partial, planDigest);
  } catch (error) {
    await release.run();
    throw toWeightsError(error, partial);
  }
  return {
    partial,
    journals: state,
    writeFile: (name, bytes) => writeSmall(partial, name, bytes),
    copyFile: async (name, from) => await writeSmall(partial, name, await readSmall(from)),
    publish: async (files, { durable }) => {
      await publish({ final, partial, state, files, durable });
      await release.run();
    },
    leave: release.run,
    discard: async () => {
      if (release.isDone()) return; // published, or left: whatever is there now is another's
      await rm(partial, { recursive: true, force: true });
      await release.run();
    },
  };
}

/** Gives the lock back at the first call alone: after that, a file of this name is another process' lock. */
function onlyOnce(release: Release): { readonly run: Release; readonly isDone: () => boolean } {
  let isDone = false;
  return {
    run: async () => {
      if (isDone) return;
      isDone = true;
      await release();
    },
    isDone: () => isDone,
  };
}

/** Removes what another plan has left. */
async function keepOnlyOf(partial: string, planDigest: string): Promise<void> {
  const state = join(partial, STATE);
  const marker = join(state, 'plan');
  const found = await readFile(marker, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  });
  if (found === planDigest) return;
  for (const name of await readdir(partial)) if (name !== STATE) await rm(join(partial, name), { recursive: true });
  for (const name of await readdir(state)) await rm(join(state, name), { recursive: true });
  await writeFile(marker, planDigest);
}

interface Publication {
  readonly final: string;
  readonly partial: string;
  readonly state: string;
  readonly files: readonly string[];
  readonly durable: boolean;
}

async function publish({ final, partial, state, files, durable }: Publication): Promise<void> {
  try {
    const names = new Set(files.flatMap((name) => [name, name.split('/')[0] ?? name]));
    for (const name of await readdir(partial)) {
      if (name !== STATE && !names.has(name)) await rm(join(partial, name), { recursive: true });
    }
    await rm(state, { recursive: true });
    if (durable)
      for (const path of [...files.map((name) => join(partial, name)), ...(await foldersOf(partial))])
        await syncPath(path);
    await rename(partial, final);
    if (durable) await syncPath(dirname(final));
  } catch (error) {
    throw isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR') ? exists(final) : toWeightsError(error, final);
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw toWeightsError(error, path);
  }
}

async function writeSmall(partial: string, name: string, bytes: Uint8Array): Promise<OutputFile> {
  const path = join(partial, name);
  try {
    await mkdir(dirname(path), { recursive: true });
    await using file = await open(path, 'w');
    await file.writeFile(bytes);
  } catch (error) {
    throw toWeightsError(error, path);
  }
  return { path: name, sizeBytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function readSmall(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw toWeightsError(error, path);
  }
}

async function isTaken(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length > 0;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    if (isErrno(error, 'ENOTDIR')) return true;
    throw toWeightsError(error, path);
  }
}

function exists(path: string): WeightsError {
  const message = `${path}: found an output that is already there, expected nothing; use it, or remove it first.`;
  return new WeightsError('WEIGHTS_OUTPUT_EXISTS', message, { path });
}

async function foldersOf(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { withFileTypes: true });
  return [...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(root, name)), root];
}

async function syncPath(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}
