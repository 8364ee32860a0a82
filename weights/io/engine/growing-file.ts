import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { toWeightsError } from '../fs-error.ts';

/** So much may be written before the disk is told to begin; then its work goes on beside ours. */
const FLUSH_EVERY_BYTES = 128 << 20;
const REREAD_BYTES = 1 << 20;

/** What a file is written with. */
export interface WriteOptions {
  /** Hash what is written, as it is written. */
  readonly digests: boolean;
  /** Wait for the disk at the end. */
  readonly durable: boolean;
}

/** A file that grows from its start to its end, hashed on the way. Every method may fail with WEIGHTS_IO_FAILED. */
export class GrowingFile {
  readonly #path: string;
  readonly #options: WriteOptions;
  readonly #file: number;
  #hash: Hash | null;
  #bytes = 0;
  #unflushed = 0;
  #isClosed = false;

  /** Opens the file at `path`, made if it is not there; nothing of what it holds counts until it is kept. */
  constructor(path: string, options: WriteOptions) {
    this.#path = path;
    this.#options = options;
    this.#hash = options.digests ? createHash('sha256') : null;
    this.#file = this.#io(() => openSync(path, constants.O_RDWR | constants.O_CREAT));
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  /**
   * Reads what an earlier try has left and returns how many of `marks` hold: at the first k lengths the bytes have the digests
   * named. Keeps nothing yet.
   */
  countHolding(marks: readonly { readonly bytes: number; readonly sha256: string }[]): number {
    const hash = createHash('sha256');
    let at = 0;
    for (const [index, mark] of marks.entries()) {
      if (!this.#hashUpTo(hash, at, mark.bytes) || hash.copy().digest('hex') !== mark.sha256) return index;
      at = mark.bytes;
    }
    return marks.length;
  }

  /** Keeps the first `bytes` bytes and forgets the rest. Once, before anything is written. */
  keep(bytes: number): void {
    if (this.#hash !== null) this.#hashUpTo(this.#hash, 0, bytes);
    this.#io(() => {
      // Not without need: ext4 writes a file that was cut to the disk as soon as it is closed.
      if (fstatSync(this.#file).size > bytes) ftruncateSync(this.#file, bytes);
    });
    this.#bytes = bytes;
  }

  /** Appends bytes. */
  write(bytes: Uint8Array): void {
    this.#io(() => {
      for (let done = 0; done < bytes.byteLength;) {
        done += writeSync(this.#file, bytes, done, bytes.byteLength - done, this.#bytes + done);
      }
    });
    this.#hash?.update(bytes);
    this.#bytes += bytes.byteLength;
    this.#unflushed += bytes.byteLength;
    if (this.#options.durable && this.#unflushed >= FLUSH_EVERY_BYTES) this.#beginFlush();
  }

  /** sha256 of everything so far, hex; empty where nothing is hashed. */
  digestSoFar(): string {
    return this.#hash?.copy().digest('hex') ?? '';
  }

  /** Waits for the disk, if asked to, and closes the file; its sha256, or null where nothing is hashed. */
  finish(): string | null {
    if (this.#options.durable) {
      this.#io(() => {
        fsyncSync(this.#file);
      });
    }
    this.close();
    return this.#hash?.digest('hex') ?? null;
  }

  /** Closes the file, once: that another file could not be finished must not be hidden by closing this one again. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#file);
  }

  #beginFlush(): void {
    this.#unflushed = 0;
    // Only an early start: whether everything has arrived is asked, and answered, at the end.
    fdatasync(this.#file, () => undefined);
  }

  #hashUpTo(hash: Hash, from: number, to: number): boolean {
    const buffer = new Uint8Array(REREAD_BYTES);
    return this.#io(() => {
      for (let at = from; at < to;) {
        const bytesRead = readSync(this.#file, buffer, 0, Math.min(buffer.byteLength, to - at), at);
        if (bytesRead === 0) return false;
        hash.update(buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      return true;
    });
  }

  #io<Value>(work: () => Value): Value {
    try {
      return work();
    } catch (error) {
      throw toWeightsError(error, this.#path);
    }
  }
}
