import { readFile, rename, rm, stat, writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runQuietly } from '../../lib/run-quietly.mjs';

const MAKE_MODEL = fileURLToPath(new URL('python/make_model.py', import.meta.url));
/** Raised when the same spec gives other models. */
const GENERATOR_VERSION = 1;

/** A Llama with random weights. */
export interface BenchModel {
  readonly name: string;
  readonly dtype: 'float32' | 'bfloat16';
  /** Fields of its config. */
  readonly shape: Readonly<Record<string, number | boolean>>;
}

/** The model of the demo, and one of 124 million parameters. */
const DEMO = {
  ...{ vocab_size: 64, hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2, num_attention_heads: 4 },
  ...{ max_position_embeddings: 256, tie_word_embeddings: true },
};
const LARGE = {
  ...{ vocab_size: 32_000, hidden_size: 768, intermediate_size: 2560, num_hidden_layers: 12, num_attention_heads: 12 },
  ...{ max_position_embeddings: 2048, tie_word_embeddings: true },
};

/** The models of one size; a small run has the demo's alone. */
export function benchModels(size: 'small' | 'full'): readonly BenchModel[] {
  const demo: BenchModel = { name: 'demo', dtype: 'float32', shape: DEMO };
  if (size === 'small') return [demo];
  return [
    demo,
    { name: '124M', dtype: 'float32', shape: LARGE },
    { name: '124M-bf16', dtype: 'bfloat16', shape: LARGE },
  ];
}

/** Makes the model in `home` unless it is there, whole or not at all; returns its folder. */
export async function makeModel(model: BenchModel, home: string, python: string): Promise<string> {
  const folder = join(home, `inference-${model.name}`);
  const spec = JSON.stringify({ version: GENERATOR_VERSION, ...model });
  if ((await readFile(join(folder, 'spec.json'), 'utf8').catch(() => null)) === spec) return folder;
  const draft = `${folder}.partial`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  await writeFile(join(draft, 'spec.json'), spec);
  const { ok, output } = await runQuietly(python, [MAKE_MODEL, draft], { cwd: home });
  if (!ok) throw new Error(`The model ${model.name} could not be made:\n${output.trimEnd()}`);
  await rm(folder, { recursive: true, force: true });
  await rename(draft, folder);
  return folder;
}

/** Bytes of a model's weights. */
export async function weightBytes(folder: string): Promise<number> {
  return (await stat(join(folder, 'model.safetensors'))).size;
}
