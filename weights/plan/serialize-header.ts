import type { Dtype } from '../dtype.ts';

/** A tensor to be announced in a header; tensors follow one another in the order given. */
export interface HeaderTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
}

/**
 * The bytes of a safetensors file before its data: eight bytes of length, then the JSON header, padded with spaces to a
 * multiple of eight so that the data is aligned. The same input gives the same bytes.
 */
export function serializeHeader(
  tensors: readonly HeaderTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  let offset = 0;
  const entries = tensors.map(({ name, dtype, shape, sizeBytes }): [string, unknown] => {
    const begin = offset;
    offset += sizeBytes;
    return [name, { dtype, shape, data_offsets: [begin, offset] }];
  });
  const withMetadata = Object.keys(metadata).length > 0 ? [['__metadata__', metadata] as const, ...entries] : entries;
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(withMetadata)));
  const headerBytes = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(json, 8);
  return bytes;
}
