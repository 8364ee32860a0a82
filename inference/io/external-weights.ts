import { realpath } from 'node:fs/promises';
import { dirname, relative, sep } from 'node:path';
import type { TensorEntry } from '../../weights/index.ts';
import { InferenceError } from '../errors.ts';
import { DATA_TYPE, type ExternalTensor } from '../graph/onnx-encoding.ts';

/** A model's weights as onnxruntime finds them. */
export interface ExternalWeights {
  /** Folder that every location is relative to. */
  readonly root: string;
  /** Errors: INFERENCE_DTYPE_UNSUPPORTED. */
  readonly find: (name: string) => ExternalTensor | undefined;
}

/**
 * Locates the stored tensors for onnxruntime, which refuses files outside one folder and links that leave it. A Hub cache is
 * symbolic links, so locations are real paths, and the folder is the deepest that holds them all.
 */
export async function locateWeights(tensors: ReadonlyMap<string, TensorEntry>): Promise<ExternalWeights> {
  const paths = [...new Set([...tensors.values()].map(({ path }) => path))];
  const files = new Map(await Promise.all(paths.map(async (path) => [path, await realpath(path)] as const)));
  const root = commonFolder([...files.values()]);
  return {
    root,
    find: (name) => {
      const entry = tensors.get(name);
      if (entry === undefined) return undefined;
      const { shape, offsetBytes, sizeBytes, path } = entry;
      return {
        dataType: dataTypeOf(entry),
        shape,
        location: relative(root, files.get(path) ?? path),
        offsetBytes,
        sizeBytes,
      };
    },
  };
}

/** The deepest folder that holds all the files, given as absolute paths. */
function commonFolder(files: readonly string[]): string {
  const [first = sep, ...others] = files.map((file) => dirname(file));
  const holds = (folder: string, other: string): boolean =>
    other === folder || other.startsWith(folder.endsWith(sep) ? folder : folder + sep);
  let root = first;
  while (!others.every((other) => holds(root, other))) root = dirname(root);
  return root;
}

function dataTypeOf({ name, dtype }: TensorEntry): ExternalTensor['dataType'] {
  if (dtype === 'F32' || dtype === 'BF16' || dtype === 'F16') return DATA_TYPE[dtype];
  throw new InferenceError(
    'INFERENCE_DTYPE_UNSUPPORTED',
    `Tensor \`${name}\` is stored as ${dtype}, and this engine scores F32, BF16 and F16; convert the model or use another harness.`,
    { name, dtype },
  );
}
