import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { toWeightsError } from './fs-error.ts';

/** sha256 of a file in hex, read in pieces. Errors: WEIGHTS_FILE_MISSING, WEIGHTS_IO_FAILED. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    const pieces: AsyncIterable<Uint8Array> = createReadStream(path);
    for await (const piece of pieces) hash.update(piece);
  } catch (error) {
    throw toWeightsError(error, path);
  }
  return hash.digest('hex');
}
