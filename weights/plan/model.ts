import type { Dtype } from '../dtype.ts';

/** One tensor as it is stored: where its bytes lie and what they mean. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Absolute path of the file that holds it. */
  readonly path: string;
  /** Position of its first byte in the file, header included. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** A checked header of one safetensors file; `tensors` are in stored order. */
export interface SafetensorsHeader {
  readonly path: string;
  readonly fileBytes: number;
  /** Length of the JSON header, without the eight bytes that announce it. */
  readonly headerBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly TensorEntry[];
}

/** A model folder as its config and headers describe it; no weight has been read. */
export interface ModelFolder {
  readonly folder: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The first of config.json's `architectures`. */
  readonly architecture: string;
  readonly tieWordEmbeddings: boolean;
  /** Every stored tensor by name, in stored order, shard after shard. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Elements of all tensors; a stored duplicate of a tied embedding is not counted. */
  readonly parameterCount: number;
  /** The files that make up the model, relative, sorted; never a pickle, never code. */
  readonly files: readonly string[];
}

/** How many elements a shape has; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
