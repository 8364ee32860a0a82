import { open } from 'node:fs/promises';
import { WeightsError } from '../errors.ts';
import { toWeightsError } from './fs-error.ts';

/**
 * The text of a small file (JSON, not weights), its size bounded before memory is spent.
 * Errors: WEIGHTS_FILE_MISSING, WEIGHTS_FILE_TOO_LARGE, WEIGHTS_IO_FAILED.
 */
export async function readText(path: string, maxBytes = 256_000_000): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > maxBytes) {
      const message = `${path}: found ${String(size)} bytes, expected at most ${String(maxBytes)}; this is not such a file.`;
      throw new WeightsError('WEIGHTS_FILE_TOO_LARGE', message, { path, sizeBytes: size, maxBytes });
    }
    return await file.readFile('utf8');
  } catch (error) {
    throw toWeightsError(error, path);
  }
}
