import { createHash } from 'node:crypto';
import type { ReleaseLook } from '../../activities/ports.ts';
import { MODEL_FILE, parseIndex, WeightsError } from '../../weights/index.ts';

/** A file of a release at its source. */
export interface SourceFile {
  /** Within the release. */
  readonly name: string;
  readonly sizeBytes: number;
  /** What stands for its content at the source: equal tags, equal bytes. */
  readonly tag: string;
}

export type JudgedFiles<File extends SourceFile> =
  | { readonly kind: 'complete'; readonly files: readonly File[]; readonly content: string; readonly sizeBytes: number }
  | { readonly kind: 'incomplete'; readonly why: string };

const INDEX = 'model.safetensors.index.json';
const SINGLE = 'model.safetensors';
/** Whatever else is small is smaller: tokenizers have tens of megabytes. */
const MAX_SMALL_BYTES = 100_000_000;

/**
 * Decides from a listing alone whether a release is whole, and which of its files are the model: the weights that
 * transformers would load, configs and tokenizer. Names from outside that are no plain file names are never taken.
 * `readIndex` is asked for the shard index only.
 */
export async function judgeFiles<File extends SourceFile>(
  listed: readonly File[],
  readIndex: (file: File) => Promise<string>,
): Promise<JudgedFiles<File>> {
  const byName = new Map(listed.filter(({ name }) => MODEL_FILE.test(name)).map((file) => [file.name, file]));
  if (!byName.has('config.json')) return incomplete('it has no config.json');
  const tooLarge = [...byName.values()].find(({ name, sizeBytes }) => !isWeights(name) && sizeBytes > MAX_SMALL_BYTES);
  if (tooLarge !== undefined)
    return incomplete(
      `${tooLarge.name} has ${String(tooLarge.sizeBytes)} bytes, at most ${String(MAX_SMALL_BYTES)} are read`,
    );
  const shards = await shardsOf(byName, readIndex);
  if ('why' in shards) return incomplete(shards.why);
  const missing = shards.names.filter((name) => !byName.has(name));
  if (missing.length > 0)
    return incomplete(`${listOf(missing)} of its index ${missing.length === 1 ? 'is' : 'are'} missing`);
  const files = [...byName.values()]
    .filter(({ name }) => !isWeights(name) || shards.names.includes(name))
    .filter(({ name }) => name !== INDEX || !shards.names.includes(SINGLE))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  return { kind: 'complete', files, content: fingerprintOf(files), sizeBytes: sumOf(files) };
}

/** What a look says of a release of which nothing but its listing is known. */
export function lookOf(judged: JudgedFiles<SourceFile>): ReleaseLook {
  if (judged.kind === 'incomplete') return { kind: judged.kind, why: judged.why };
  const { kind, content, sizeBytes } = judged;
  return { kind, content, sizeBytes, parameterCount: null, problems: [] };
}

/** One text for names, sizes and tags of files: equal for equal content. */
export function fingerprintOf(files: readonly SourceFile[]): string {
  const lines = files.map(({ name, sizeBytes, tag }) => JSON.stringify([name, sizeBytes, tag]));
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}

async function shardsOf<File extends SourceFile>(
  byName: ReadonlyMap<string, File>,
  readIndex: (file: File) => Promise<string>,
): Promise<{ readonly names: readonly string[] } | { readonly why: string }> {
  if (byName.has(SINGLE)) return { names: [SINGLE] };
  const index = byName.get(INDEX);
  if (index === undefined) return { why: `it has neither ${SINGLE} nor ${INDEX}` };
  try {
    return { names: parseIndex(await readIndex(index), INDEX).shards };
  } catch (error) {
    if (error instanceof WeightsError) return { why: error.message };
    throw error;
  }
}

function isWeights(name: string): boolean {
  return name.endsWith('.safetensors');
}

function sumOf(files: readonly SourceFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function listOf(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${String(names.length - 3)} more` : '';
  return `${names.slice(0, 3).join(', ')}${more}`;
}

function incomplete(why: string): { readonly kind: 'incomplete'; readonly why: string } {
  return { kind: 'incomplete', why };
}
