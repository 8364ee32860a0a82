import { WeightsError } from '../errors.ts';
import { findDuplicateKeys } from './find-duplicate-keys.ts';
import { isRecord } from './is-record.ts';

/** A checked model.safetensors.index.json. */
export interface ShardIndex {
  /** Shard file names, sorted, each once. */
  readonly shards: readonly string[];
  /** Tensor name -> shard file name. */
  readonly weightMap: ReadonlyMap<string, string>;
  /** The whole document, for writing it again. */
  readonly document: Readonly<Record<string, unknown>>;
}

/**
 * Parses a shard index. File names come from outside: only plain names that end in .safetensors pass, so no path leaves
 * the folder. Error: WEIGHTS_INDEX_INVALID, with every problem in `details.problems`.
 */
export function parseIndex(text: string, path: string): ShardIndex {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw invalid(path, ['it is not JSON']);
  }
  const weightMap = isRecord(document) ? document['weight_map'] : undefined;
  if (!isRecord(document) || !isRecord(weightMap)) throw invalid(path, ['it has no weight_map object']);
  const entries = Object.entries(weightMap).map(([name, file]) => ({ name, file: isShardName(file) ? file : null }));
  const problems = [
    ...findDuplicateKeys(text).map((name) => `\`${name}\` is named more than once`),
    ...entries.flatMap(({ name, file }) =>
      file === null
        ? [`\`${name}\` points to ${JSON.stringify(weightMap[name])}, not a plain .safetensors file name`]
        : [],
    ),
    ...(entries.length === 0 ? ['its weight_map is empty'] : []),
  ];
  if (problems.length > 0) throw invalid(path, problems);
  const map = new Map(entries.flatMap(({ name, file }) => (file === null ? [] : [[name, file] as const])));
  return { shards: [...new Set(map.values())].sort(), weightMap: map, document };
}

/** The index of a model from which some tensors were left out: their names go, and the totals shrink. */
export function withoutTensors(
  index: ShardIndex,
  dropped: readonly { readonly name: string; readonly sizeBytes: number; readonly parameters: number }[],
): string {
  const names = new Set(dropped.map(({ name }) => name));
  const metadata = isRecord(index.document['metadata']) ? { ...index.document['metadata'] } : {};
  const shrink = (key: string, by: number): void => {
    const total = metadata[key];
    if (typeof total === 'number') metadata[key] = total - by;
  };
  shrink(
    'total_size',
    dropped.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  );
  shrink(
    'total_parameters',
    dropped.reduce((sum, { parameters }) => sum + parameters, 0),
  );
  const weightMap = Object.fromEntries([...index.weightMap].filter(([name]) => !names.has(name)));
  return `${JSON.stringify({ ...index.document, metadata, weight_map: weightMap }, null, 2)}\n`;
}

function isShardName(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9._-]*\.safetensors$/.test(value) && !value.includes('..');
}

function invalid(path: string, problems: readonly string[]): WeightsError {
  const message = `${path}: ${problems.slice(0, 5).join('; ')}; write the index again from the shards.`;
  return new WeightsError('WEIGHTS_INDEX_INVALID', message, { path, problems });
}
