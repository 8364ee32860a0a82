import { basename } from './basename.ts';
import { dtypeBytes } from '../dtype.ts';
import { elementCount, type TensorEntry } from './model.ts';
import type { MovedTensor } from './plan-move.ts';
import { serializeHeader } from './serialize-header.ts';
import type { FilePlan } from './work-plan.ts';

/** A header as it is stored in the target: its bytes, what it names in order, and its metadata. */
export interface StoredHeader {
  readonly bytes: Uint8Array;
  readonly tensors: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Files with their parts, and which tensor is where. */
export interface Layout {
  readonly files: readonly FilePlan[];
  /** Tensor name -> file name, in order. */
  readonly weightMap: ReadonlyMap<string, string>;
  readonly sizeBytes: number;
}

/**
 * The target's own files: names, order and, where nothing in them changes, headers byte for byte. A file that is left without
 * tensors is not written.
 */
export function layOutAsTarget(
  tensors: readonly MovedTensor[],
  target: ReadonlyMap<string, TensorEntry>,
  headers: ReadonlyMap<string, StoredHeader>,
): Layout {
  const byPath = new Map<string, { readonly tensor: MovedTensor; readonly index: number }[]>();
  for (const [index, tensor] of tensors.entries()) {
    const path = target.get(tensor.canonicalName)?.path ?? '';
    const members = byPath.get(path);
    if (members === undefined) byPath.set(path, [{ tensor, index }]);
    else members.push({ tensor, index });
  }
  return toLayout(
    [...byPath].map(([path, members]) => ({ name: basename(path), members, stored: headers.get(path) ?? null })),
  );
}

/** Files of at most `maxBytes` of data, unless a single tensor is larger, filled in the target's order. */
export function layOutBySize(
  tensors: readonly MovedTensor[],
  maxBytes: number,
  metadata: StoredHeader['metadata'],
): Layout {
  const groups: { readonly tensor: MovedTensor; readonly index: number }[][] = [];
  let filled = Infinity;
  for (const [index, tensor] of tensors.entries()) {
    const size = sizeOf(tensor);
    if (filled + size > maxBytes) {
      groups.push([]);
      filled = 0;
    }
    groups.at(-1)?.push({ tensor, index });
    filled += size;
  }
  const pad = (number: number): string => String(number).padStart(5, '0');
  const nameOf = (index: number): string =>
    groups.length === 1 ? 'model.safetensors' : `model-${pad(index + 1)}-of-${pad(groups.length)}.safetensors`;
  const stored = { bytes: new Uint8Array(), tensors: [], metadata };
  return toLayout(groups.map((members, index) => ({ name: nameOf(index), members, stored })));
}

interface Group {
  readonly name: string;
  readonly members: readonly { readonly tensor: MovedTensor; readonly index: number }[];
  readonly stored: StoredHeader | null;
}

function toLayout(groups: readonly Group[]): Layout {
  const weightMap = new Map<string, string>();
  let sizeBytes = 0;
  const files = groups.map(({ name, members, stored }): FilePlan => {
    for (const { tensor } of members) {
      weightMap.set(tensor.name, name);
      sizeBytes += sizeOf(tensor);
    }
    const tensors = members.map(({ tensor }) => tensor);
    return {
      name,
      header: stored !== null && isUnchanged(stored.tensors, tensors) ? stored.bytes : headerOf(tensors, stored),
      parts: members.flatMap(({ tensor, index }) => tensor.parts.map((part) => ({ ...part, tensor: index }))),
    };
  });
  return { files, weightMap, sizeBytes };
}

function isUnchanged(stored: readonly TensorEntry[], tensors: readonly MovedTensor[]): boolean {
  return (
    stored.length === tensors.length &&
    tensors.every(({ name, dtype, shape }, index) => {
      const entry = stored[index];
      return entry?.name === name && entry.dtype === dtype && entry.shape.join() === shape.join();
    })
  );
}

function headerOf(tensors: readonly MovedTensor[], stored: StoredHeader | null): Uint8Array {
  return serializeHeader(
    tensors.map((tensor) => ({ ...tensor, sizeBytes: sizeOf(tensor) })),
    stored?.metadata ?? { format: 'pt' },
  );
}

function sizeOf({ shape, dtype }: MovedTensor): number {
  return elementCount(shape) * dtypeBytes(dtype);
}
