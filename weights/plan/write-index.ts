import { isRecord } from './is-record.ts';
import type { Layout } from './lay-out-files.ts';
import type { MovedTensor } from './plan-move.ts';
import { elementCount } from './model.ts';
import { basename } from './basename.ts';
import type { ShardIndex } from './parse-index.ts';

/**
 * The output's model.safetensors.index.json; null where there is to be none (one file of the usual name). `text`: the target's
 * own, which stays as it is where it still says the truth.
 */
export function writeIndex(
  layout: Layout,
  tensors: readonly MovedTensor[],
  target: { readonly index: ShardIndex; readonly text: string } | null,
): string | null {
  const names = new Set(layout.weightMap.values());
  if (names.size === 1 && names.has('model.safetensors')) return null;
  const metadata = isRecord(target?.index.document['metadata']) ? target.index.document['metadata'] : {};
  if (target !== null && saysTheTruth(target.index, layout, metadata)) return target.text;
  const parameters = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const document = {
    ...target?.index.document,
    metadata: {
      ...metadata,
      ...('total_parameters' in metadata && { total_parameters: parameters }),
      total_size: layout.sizeBytes,
    },
    weight_map: Object.fromEntries([...layout.weightMap].map(([name, file]) => [name, basename(file)])),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Where the tensors are the same, so are their sizes: the headers have not changed. */
function saysTheTruth({ weightMap }: ShardIndex, layout: Layout, metadata: Readonly<Record<string, unknown>>): boolean {
  const isSame =
    weightMap.size === layout.weightMap.size &&
    [...weightMap].every(([name, file]) => layout.weightMap.get(name) === file);
  const { total_size: total } = metadata;
  return isSame && (total === undefined || total === layout.sizeBytes);
}
