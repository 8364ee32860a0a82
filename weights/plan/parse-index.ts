import { WeightsError } from '../errors.ts';
import { findDuplicateKeys } from './find-duplicate-keys.ts';
import { isRecord } from './is-record.ts';
import { nestingDepth } from './nesting-depth.ts';

/** Files of one model at most; more are no model's, and each would be opened. */
const MAX_SHARDS = 10_000;
/** An index has objects within an object; what else its metadata may hold is not deep. */
const MAX_DEPTH = 16;

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
 * the folder, and at most 10,000 of them. Error: WEIGHTS_INDEX_INVALID, with every problem in `details.problems`.
 */
export function parseIndex(text: string, path: string): ShardIndex {
  let document: unknown;
  if (nestingDepth(text, MAX_DEPTH) > MAX_DEPTH) throw invalid(path, ['it nests deeper than any index does']);
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
  const shards = [...new Set(map.values())].sort();
  if (shards.length <= MAX_SHARDS) return { shards, weightMap: map, document };
  throw invalid(path, [`it names ${String(shards.length)} files, more than ${String(MAX_SHARDS)}`]);
}

function isShardName(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9._-]*\.safetensors$/.test(value) && !value.includes('..');
}

function invalid(path: string, problems: readonly string[]): WeightsError {
  const message = `${path}: ${problems.slice(0, 5).join('; ')}${problems.length > 5 ? ` and ${String(problems.length - 5)} more` : ''}; write the index again from the shards.`;
  return new WeightsError('WEIGHTS_INDEX_INVALID', message, { path, problems });
}
