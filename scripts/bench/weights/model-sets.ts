import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runQuietly } from '../../lib/run-quietly.mjs';

/** Raised when make_models.py writes something else for the same spec, so that what lies there is made again. */
const GENERATOR_VERSION = 1;
const MAKE_MODELS = fileURLToPath(new URL('python/make_models.py', import.meta.url));

/** The fields of a Llama's config.json that decide its tensors. */
interface LlamaShape {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
}

/** Three models, `base`, `tuned` and `target`, in one folder; with values also `expected`. */
export interface ModelSet {
  /** The folder's name. */
  readonly name: string;
  readonly shape: LlamaShape;
  readonly shards: number;
  /** False: sparse files of zeros, which take no room. */
  readonly values: boolean;
  /** 0: no tokenizer. */
  readonly tokenizerTokens: number;
}

const TINY_LLAMA: LlamaShape = {
  vocab_size: 32_000,
  hidden_size: 2048,
  intermediate_size: 5632,
  num_hidden_layers: 22,
  num_attention_heads: 32,
  num_key_value_heads: 4,
};
const SMALL: LlamaShape = {
  vocab_size: 4096,
  hidden_size: 512,
  intermediate_size: 1408,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  num_key_value_heads: 2,
};
const LLAMA_70B: LlamaShape = {
  vocab_size: 128_256,
  hidden_size: 8192,
  intermediate_size: 28_672,
  num_hidden_layers: 80,
  num_attention_heads: 64,
  num_key_value_heads: 8,
};

/** The model sets of one size: the one that is recycled, one with four times its layers, and two to plan. */
export function modelSets(
  size: 'small' | 'full',
): Readonly<Record<'measured' | 'grown' | 'plan' | 'planTokenizers', ModelSet>> {
  const shape = size === 'full' ? TINY_LLAMA : SMALL;
  const grown = { ...shape, num_hidden_layers: 4 * shape.num_hidden_layers };
  const plan = { shape: LLAMA_70B, shards: 30, values: false };
  return {
    measured: { name: `${size}-models`, shape, shards: 3, values: true, tokenizerTokens: 0 },
    grown: { name: `${size}-models-4x`, shape: grown, shards: 12, values: false, tokenizerTokens: 0 },
    plan: { ...plan, name: 'plan-70b', tokenizerTokens: 0 },
    planTokenizers: { ...plan, name: 'plan-70b-tokenizers', tokenizerTokens: LLAMA_70B.vocab_size },
  };
}

/** Bytes of one model's values in bfloat16. */
export function modelBytes({ shape }: ModelSet): number {
  const { vocab_size: vocabulary, hidden_size: hidden, intermediate_size: inner } = shape;
  const keys = (hidden / shape.num_attention_heads) * shape.num_key_value_heads;
  const layer = 2 * hidden * hidden + 2 * keys * hidden + 3 * inner * hidden + 2 * hidden;
  return 2 * (2 * vocabulary * hidden + shape.num_hidden_layers * layer + hidden);
}

/** Whether the set lies in `home` as this version makes it. */
export async function isMade(set: ModelSet, home: string): Promise<boolean> {
  return (await readFile(join(home, set.name, 'spec.json'), 'utf8').catch(() => null)) === specText(set);
}

/** Makes the set unless it is there; it appears whole or not at all, and the same spec gives the same bytes. */
export async function makeModels(set: ModelSet, home: string, python: string): Promise<void> {
  if (await isMade(set, home)) return;
  const folder = join(home, set.name);
  const draft = `${folder}.partial`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  const spec = join(draft, 'spec.json');
  await writeFile(spec, specText(set));
  const { ok, output } = await runQuietly(python, [MAKE_MODELS, spec, draft], { cwd: home });
  if (!ok) throw new Error(`The models ${set.name} could not be made:\n${output.trimEnd()}`);
  await rm(folder, { recursive: true, force: true });
  await rename(draft, folder);
}

function specText(set: ModelSet): string {
  return JSON.stringify({ version: GENERATOR_VERSION, ...set });
}
