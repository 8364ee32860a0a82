import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { WeightsError } from '../errors.ts';
import type { OutputFile } from '../plan/delta-manifest.ts';
import { toWeightsError } from './fs-error.ts';
import { throwIfAborted } from './throw-if-aborted.ts';

/** Appends bytes to a file being written; the buffer may be reused once the promise has settled. */
export type Write = (bytes: Uint8Array) => Promise<void>;

/** A folder that nobody sees yet. */
export interface StagedFolder {
  /** Writes one file (`name` may have one folder before it), hashing while it writes; flushed to disk when it returns. */
  readonly writeFile: (name: string, fill: (write: Write) => Promise<void>) => Promise<OutputFile>;
  readonly copyFile: (name: string, from: string) => Promise<OutputFile>;
}

/**
 * Makes the folder `out` appear whole or not at all: `fill` writes into `<out>.partial-<random>` beside it, which is
 * flushed and renamed when `fill` returns and removed when it throws or `signal` aborts. An empty folder at `out` is taken over.
 *
 * Errors: WEIGHTS_OUTPUT_EXISTS (also when another writer was first), WEIGHTS_ABORTED, WEIGHTS_IO_FAILED, and what `fill`
 * throws. Run twice, the second run fails with WEIGHTS_OUTPUT_EXISTS and leaves the first one's output as it is.
 */
export async function stageFolder<T>(
  out: string,
  signal: AbortSignal | undefined,
  fill: (folder: StagedFolder) => Promise<T>,
): Promise<T> {
  const final = resolve(out);
  const partial = join(dirname(final), `${basename(final)}.partial-${randomBytes(6).toString('hex')}`);
  throwIfAborted(signal);
  if (await isTaken(final)) throw exists(final);
  try {
    await mkdir(partial, { recursive: true });
    const result = await fill(stagedFolder(partial, signal));
    throwIfAborted(signal);
    for (const folder of await foldersOf(partial)) await syncPath(folder);
    await rename(partial, final);
    await syncPath(dirname(final));
    return result;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw isTakenError(error) ? exists(final) : toWeightsError(error, final);
  }
}

function stagedFolder(partial: string, signal: AbortSignal | undefined): StagedFolder {
  const writeFile: StagedFolder['writeFile'] = async (name, fill) => {
    await mkdir(dirname(join(partial, name)), { recursive: true });
    await using file = await open(join(partial, name), 'wx');
    const hash = createHash('sha256');
    let sizeBytes = 0;
    await fill(async (bytes) => {
      throwIfAborted(signal);
      for (let done = 0; done < bytes.byteLength;) {
        done += (await file.write(bytes, done, bytes.byteLength - done)).bytesWritten;
      }
      hash.update(bytes);
      sizeBytes += bytes.byteLength;
    });
    await file.sync();
    return { path: name, sizeBytes, sha256: hash.digest('hex') };
  };
  const copyFile: StagedFolder['copyFile'] = (name, from) =>
    writeFile(name, async (write) => {
      try {
        await using source = await open(from, 'r');
        const buffer = new Uint8Array(1 << 20);
        for (;;) {
          const { bytesRead } = await source.read(buffer, 0, buffer.byteLength);
          if (bytesRead === 0) return;
          await write(buffer.subarray(0, bytesRead));
        }
      } catch (error) {
        throw toWeightsError(error, from);
      }
    });
  return { writeFile, copyFile };
}

async function isTaken(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length > 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return true;
    throw toWeightsError(error, path);
  }
}

function isTakenError(error: unknown): boolean {
  const code =
    error instanceof Error && 'syscall' in error && error.syscall === 'rename' && 'code' in error ? error.code : '';
  return code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR';
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
