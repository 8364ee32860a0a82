import { WeightsError } from '../errors.ts';

/**
 * Turns what the file system threw into a WeightsError about `path`: WEIGHTS_FILE_MISSING, or WEIGHTS_IO_FAILED, which is
 * retryable (a full disk can be emptied). A WeightsError passes unchanged.
 */
export function toWeightsError(error: unknown, path: string): unknown {
  if (error instanceof WeightsError || !(error instanceof Error) || !('code' in error)) return error;
  const details = { path, errno: error.code };
  if (error.code === 'ENOENT') {
    const message = `${path}: no such file; check the folder, or fetch the model again.`;
    return new WeightsError('WEIGHTS_FILE_MISSING', message, details, { cause: error });
  }
  const message = `${path}: ${error.message}; free space or mend the disk or the permissions, and run it again.`;
  return new WeightsError('WEIGHTS_IO_FAILED', message, details, { cause: error, retryable: true });
}

/** True for an error of the file system with one of these codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code);
}
