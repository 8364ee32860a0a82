import { open, type FileHandle } from 'node:fs/promises';
import { WeightsError } from '../errors.ts';
import type { TensorEntry } from '../plan/model.ts';
import { toWeightsError } from './fs-error.ts';

/** Reads stretches of tensors; keeps each file open until it is disposed of. */
export interface TensorReader extends AsyncDisposable {
  /**
   * Fills `into` from `startBytes` within the tensor. Errors: WEIGHTS_TENSOR_BOUNDS where the file has become shorter since its
   * header was checked, WEIGHTS_FILE_MISSING, WEIGHTS_IO_FAILED.
   */
  readonly read: (entry: TensorEntry, startBytes: number, into: Uint8Array) => Promise<void>;
}

/** Opens nothing yet. */
export function createTensorReader(): TensorReader {
  const files = new Map<string, FileHandle>();
  const fileAt = async (path: string): Promise<FileHandle> => {
    const file = files.get(path) ?? (await open(path, 'r'));
    files.set(path, file);
    return file;
  };
  return {
    read: async (entry, startBytes, into) => {
      try {
        const file = await fileAt(entry.path);
        for (let done = 0; done < into.byteLength;) {
          const position = entry.offsetBytes + startBytes + done;
          const { bytesRead } = await file.read(into, done, into.byteLength - done, position);
          if (bytesRead === 0) throw shortened(entry);
          done += bytesRead;
        }
      } catch (error) {
        throw toWeightsError(error, entry.path);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...files.values()].map((file) => file.close()));
      files.clear();
    },
  };
}

function shortened({ path, name }: TensorEntry): WeightsError {
  const message = `${path}: the file ends inside tensor \`${name}\`, which was whole when its header was checked; leave models alone while they are read, and fetch this one again.`;
  return new WeightsError('WEIGHTS_TENSOR_BOUNDS', message, { path, tensor: name });
}
