import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, constants, copyFile, link, mkdir, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isErrno } from './atomic-file.ts';

/** Files by the sha256 of their bytes, under `root/ab/abcdef…`, read-only once there. */
export class FsBlobs {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Where a blob lies, whether or not it is there. */
  pathOf(sha256: string): string {
    return path.join(this.#root, sha256.slice(0, 2), sha256);
  }

  async sizeBytes(sha256: string): Promise<number | null> {
    try {
      return (await stat(this.pathOf(sha256))).size;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return null;
      throw error;
    }
  }

  /**
   * Takes a file in and returns its digest and size. `link` shares the bytes with the source where the file system can
   * (then the source must not be changed in place any more); `copy` never does. What is copied is hashed after copying,
   * so a source that changes meanwhile cannot end up under a wrong name.
   */
  async put(
    source: string,
    take: 'copy' | 'link',
    signal: AbortSignal,
  ): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
    const incoming = path.join(this.#root, `.incoming-${randomBytes(8).toString('hex')}`);
    await mkdir(this.#root, { recursive: true });
    await takeFile(source, incoming, take);
    try {
      const sha256 = await sha256OfFile(incoming, signal);
      const { size: sizeBytes } = await stat(incoming);
      if ((await this.sizeBytes(sha256)) === sizeBytes) return { sha256, sizeBytes };
      await chmod(incoming, 0o444);
      await mkdir(path.dirname(this.pathOf(sha256)), { recursive: true });
      await rename(incoming, this.pathOf(sha256));
      return { sha256, sizeBytes };
    } finally {
      await unlink(incoming).catch((error: unknown) => {
        if (!isErrno(error, 'ENOENT')) throw error;
      });
    }
  }
}

/** sha256 of a file's bytes, hexadecimal, streamed. */
export async function sha256OfFile(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash, { ...(signal && { signal }) });
  return hash.digest('hex');
}

async function takeFile(source: string, target: string, take: 'copy' | 'link'): Promise<void> {
  if (take === 'link') {
    try {
      await link(source, target);
      return;
    } catch (error) {
      if (!isErrno(error, 'EXDEV') && !isErrno(error, 'EPERM')) throw error;
    }
  }
  await copyFile(source, target, constants.COPYFILE_FICLONE);
}
