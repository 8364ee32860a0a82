import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { WeightsError } from '../errors.ts';
import { canonicalTensors, looksTied } from '../plan/canonical-tensors.ts';
import { isRecord } from '../plan/is-record.ts';
import { elementCount, type ModelFolder, type TensorEntry } from '../plan/model.ts';
import { parseConfig } from '../plan/parse-config.ts';
import { parseIndex, type ShardIndex } from '../plan/parse-index.ts';
import { pickleNames, pickleRefused } from '../plan/pickle.ts';
import { toWeightsError } from './fs-error.ts';
import { readSafetensorsHeader } from './read-safetensors-header.ts';
import { readText } from './read-text.ts';

/** The file that names the shard of every tensor. */
export const INDEX_FILE = 'model.safetensors.index.json';

const SINGLE_FILE = 'model.safetensors';
/** Names of the files that make up a model; all others of its folder are left alone. */
export const MODEL_FILE =
  /^(config\.json|generation_config\.json|chat_template\.jinja|tokenizer[\w.-]*\.(json|model|txt)|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|spiece\.model|sentencepiece\.bpe\.model|[A-Za-z0-9_][\w.-]*\.safetensors|model\.safetensors\.index\.json)$/;

/**
 * Opens a model folder: config.json and the headers of `model.safetensors`, or else of the shards that
 * `model.safetensors.index.json` names. Reads no weights, runs no code, follows no name out of the folder. When config.json
 * does not say whether embeddings are tied, they are if there is an embedding and no head of its own.
 *
 * Errors: WEIGHTS_FILE_MISSING, WEIGHTS_CONFIG_INVALID, WEIGHTS_INDEX_INVALID, and those of `readSafetensorsHeader`
 * (WEIGHTS_PICKLE_REFUSED also for a folder without safetensors).
 */
export async function openModel(folder: string): Promise<ModelFolder> {
  const root = resolve(folder);
  const files = await listFiles(root);
  const configPath = join(root, 'config.json');
  const config = parseConfig(await readText(configPath, 10_000_000), configPath);
  if (!files.includes(SINGLE_FILE) && !files.includes(INDEX_FILE)) await refusePickles(root);
  const tensors = files.includes(SINGLE_FILE)
    ? toMap((await readSafetensorsHeader(join(root, SINGLE_FILE))).tensors)
    : await readShards(root);
  const tieWordEmbeddings = tiedByConfig(config) ?? looksTied(new Set(tensors.keys()));
  const { byName } = canonicalTensors(tensors, tieWordEmbeddings);
  return {
    folder: root,
    config,
    architecture: architectureOf(config, root),
    tieWordEmbeddings,
    tensors,
    parameterCount: [...byName.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0),
    files,
  };
}

/** The index of a model folder, parsed and as stored. Errors: WEIGHTS_FILE_MISSING, WEIGHTS_INDEX_INVALID. */
export async function readIndexFile(folder: string): Promise<{ readonly index: ShardIndex; readonly text: string }> {
  const path = join(folder, INDEX_FILE);
  const text = await readText(path, 100_000_000);
  return { index: parseIndex(text, path), text };
}

async function listFiles(root: string): Promise<readonly string[]> {
  try {
    const names = (await readdir(root)).filter((name) => MODEL_FILE.test(name));
    const kinds = await Promise.all(names.map((name) => stat(join(root, name))));
    return names.filter((_, i) => kinds[i]?.isFile() === true).sort();
  } catch (error) {
    throw toWeightsError(error, root);
  }
}

/** Says what is the matter with a folder that holds pickles alone; one that holds neither lacks its safetensors files. */
async function refusePickles(root: string): Promise<void> {
  const [pickle] = pickleNames(await readdir(root));
  if (pickle !== undefined) throw pickleRefused(root, `only the pickle ${pickle}`);
}

function architectureOf(config: Readonly<Record<string, unknown>>, folder: string): string {
  const architectures = config['architectures'];
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  if (typeof first === 'string' && first !== '') return first;
  const message = `${folder}: config.json names no architecture; save the model with transformers, or add "architectures".`;
  throw new WeightsError('WEIGHTS_CONFIG_INVALID', message, { folder });
}

function tiedByConfig(config: Readonly<Record<string, unknown>>): boolean | null {
  const nested = config['text_config'];
  const said = config['tie_word_embeddings'] ?? (isRecord(nested) ? nested['tie_word_embeddings'] : undefined);
  return typeof said === 'boolean' ? said : null;
}

async function readShards(root: string): Promise<ReadonlyMap<string, TensorEntry>> {
  const { shards, weightMap } = (await readIndexFile(root)).index;
  const stored: { readonly shard: string; readonly entry: TensorEntry }[] = [];
  for (const shard of shards) {
    const { tensors } = await readSafetensorsHeader(join(root, shard));
    stored.push(...tensors.map((entry) => ({ shard, entry })));
  }
  const names = new Set(stored.map(({ entry }) => entry.name));
  const problems = [
    ...stored.flatMap(({ shard, entry: { name } }) =>
      weightMap.get(name) === shard ? [] : [`${shard} stores \`${name}\`, which the index does not place there`],
    ),
    ...[...weightMap].flatMap(([name, shard]) =>
      names.has(name) ? [] : [`the index places \`${name}\` in ${shard}, which does not store it`],
    ),
  ];
  if (problems.length > 0) {
    const path = join(root, INDEX_FILE);
    const message = `${path}: ${problems.slice(0, 5).join('; ')}; fetch the model again.`;
    throw new WeightsError('WEIGHTS_INDEX_INVALID', message, { path, problems });
  }
  return toMap(stored.map(({ entry }) => entry));
}

function toMap(entries: readonly TensorEntry[]): ReadonlyMap<string, TensorEntry> {
  return new Map(entries.map((entry) => [entry.name, entry]));
}
