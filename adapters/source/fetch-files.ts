import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, statfs, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isCodedError, RegraftError } from '../../contracts/error.ts';
import type { SourceFile } from './model-files.ts';

/** Digest that a source tells of a file. */
export interface ToldDigest {
  readonly algorithm: 'sha256' | 'git-blob';
  readonly value: string;
}

export interface FetchableFile extends SourceFile {
  /** Null where the source tells none; its length is checked in any case. */
  readonly digest: ToldDigest | null;
}

/** Bytes of a file from an offset on; aborted through the signal. */
export type OpenAt<File> = (file: File, offset: number, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;

export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
  /** Before the first repetition; doubled for each further one that brings nothing. */
  readonly pauseMs?: number;
  /** A connection that brings nothing for so long is given up. */
  readonly stallMs?: number;
}

/** Repetitions in a row that bring not a single byte. */
const MAX_BARREN = 5;

/**
 * Fetches files one after the other into a new folder. A broken connection goes on where it broke; each file ends with its
 * length, and its digest where the source tells one, as they should be, or not at all.
 * @throws SOURCE_NO_SPACE, SOURCE_DIGEST_MISMATCH, SOURCE_TOO_LONG, and what `openAt` throws
 */
export async function fetchFiles<File extends FetchableFile>(
  files: readonly File[],
  folder: string,
  openAt: OpenAt<File>,
  options: FetchOptions,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  await assertSpace(folder, totalBytes);
  let before = 0;
  for (const file of files) {
    const done = before;
    const onProgress = (bytes: number): void => {
      options.onProgress(done + bytes, totalBytes);
    };
    await fetchFile(file, path.join(folder, file.name), openAt, { ...options, onProgress });
    before += file.sizeBytes;
  }
}

async function fetchFile<File extends FetchableFile>(
  file: File,
  target: string,
  openAt: OpenAt<File>,
  options: FetchOptions & { readonly onProgress: (bytes: number) => void },
): Promise<void> {
  const handle = await open(target, 'wx');
  try {
    const hash = hashFor(file);
    let [offset, barren] = [0, 0];
    // An empty file has nothing to ask for.
    while (offset < file.sizeBytes) {
      const { bytes, error } = await receive(file, offset, { handle, hash }, openAt, options);
      offset += bytes;
      barren = bytes === 0 ? barren + 1 : 0;
      if (offset < file.sizeBytes) await beforeNext(file, error, barren, options);
    }
    assertDigest(file, hash);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

interface Received {
  readonly bytes: number;
  /** Why it ended before its time; null: the other side ended it. */
  readonly error: unknown;
}

/** Takes what one connection brings. */
async function receive<File extends FetchableFile>(
  file: File,
  offset: number,
  into: { readonly handle: FileHandle; readonly hash: Hash },
  openAt: OpenAt<File>,
  { signal, onProgress, stallMs = 60_000 }: FetchOptions & { readonly onProgress: (bytes: number) => void },
): Promise<Received> {
  const stalled = new AbortController();
  const timer = globalThis.setTimeout(() => {
    stalled.abort(new Error(`nothing came for ${String(stallMs / 1000)} s`));
  }, stallMs);
  let bytes = 0;
  try {
    for await (const chunk of await openAt(file, offset, AbortSignal.any([signal, stalled.signal]))) {
      timer.refresh();
      if (offset + bytes + chunk.byteLength > file.sizeBytes) throw tooLong(file);
      await into.handle.write(chunk);
      into.hash.update(chunk);
      bytes += chunk.byteLength;
      onProgress(offset + bytes);
    }
    return { bytes, error: null };
  } catch (error) {
    signal.throwIfAborted();
    if (isCodedError(error) && !error.retryable) throw error;
    return { bytes, error };
  } finally {
    clearTimeout(timer);
  }
}

/** Waits before the next connection, unless that is hopeless or the other side asked for more time than that. */
async function beforeNext(file: FetchableFile, error: unknown, barren: number, options: FetchOptions): Promise<void> {
  const asked = error instanceof RegraftError ? error.retryAfterMs : null;
  if (asked !== null) throw error;
  if (barren >= MAX_BARREN) {
    if (isCodedError(error)) throw error;
    throw new RegraftError(
      'SOURCE_BROKEN_OFF',
      `${file.name}: the connection ended early ${String(barren)} times in a row; the release is fetched again later.`,
      { retryable: true, cause: error },
    );
  }
  await setTimeout((options.pauseMs ?? 1000) * 2 ** barren, undefined, { signal: options.signal });
}

async function assertSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= neededBytes) return;
  throw new RegraftError(
    'SOURCE_NO_SPACE',
    `The release has ${String(neededBytes)} bytes and ${String(bavail * bsize)} are free on this machine; make room, or move Regraft's home.`,
    { retryable: true },
  );
}

function hashFor({ digest, sizeBytes }: FetchableFile): Hash {
  if (digest?.algorithm !== 'git-blob') return createHash('sha256');
  return createHash('sha1').update(`blob ${String(sizeBytes)}\0`);
}

function assertDigest({ name, digest }: FetchableFile, hash: Hash): void {
  const found = hash.digest('hex');
  if (digest === null || digest.value === found) return;
  throw new RegraftError(
    'SOURCE_DIGEST_MISMATCH',
    `${name}: what came has digest ${found}, and the source says ${digest.value}; it is fetched again, and if that does not help the source is broken.`,
    { retryable: true },
  );
}

function tooLong({ name, sizeBytes }: FetchableFile): RegraftError {
  return new RegraftError(
    'SOURCE_TOO_LONG',
    `${name}: more came than the ${String(sizeBytes)} bytes that the source announced; it is fetched again, and if that does not help the source is broken.`,
    { retryable: false },
  );
}
