import { FLOAT_BYTES, type Dtype } from '../dtype.ts';
import { elementCount } from './model.ts';

/** One tensor of a delta. */
export interface DeltaTensor {
  readonly name: string;
  readonly dtype: 'F32' | 'F64';
  readonly shape: readonly number[];
  readonly sizeBytes: number;
}

/** One file of a delta, its tensors in stored order. */
export interface DeltaShard {
  readonly fileName: string;
  readonly tensors: readonly DeltaTensor[];
}

/**
 * Lays a delta out in files of at most `maxShardBytes` of data (a larger tensor gets a file of its own). The order, F64 before F32
 * and then by name, depends on names and dtypes alone, so that the same weights give the same bytes however they were sharded.
 */
export function planDeltaShards(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly dtypes: readonly Dtype[] }>,
  maxShardBytes: number,
): readonly DeltaShard[] {
  const sorted = [...tensors]
    .map(([name, { shape, dtypes }]): DeltaTensor => {
      const dtype = dtypes.includes('F64') ? 'F64' : 'F32';
      return { name, dtype, shape, sizeBytes: elementCount(shape) * FLOAT_BYTES[dtype] };
    })
    .sort((a, b) => (a.dtype === b.dtype ? (a.name < b.name ? -1 : 1) : a.dtype === 'F64' ? -1 : 1));
  const shards: DeltaTensor[][] = [];
  let filled = Infinity;
  for (const tensor of sorted) {
    if (filled + tensor.sizeBytes > maxShardBytes) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)?.push(tensor);
    filled += tensor.sizeBytes;
  }
  const pad = (number: number): string => String(number).padStart(5, '0');
  return shards.map((members, i) => ({
    fileName: `delta-${pad(i + 1)}-of-${pad(shards.length)}.delta`,
    tensors: members,
  }));
}
