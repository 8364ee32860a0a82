import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dtypeProblems } from '../plan/compatibility.ts';
import { canonicalTensors } from '../plan/canonical-tensors.ts';
import type { Problem } from '../plan/problem.ts';
import { shapeConfig } from '../plan/shape-config.ts';
import { hashFile } from './hash-file.ts';
import { openModel } from './open-model.ts';

/** A model at a glance, as plain JSON. */
export interface ModelReport {
  readonly architecture: string;
  readonly parameterCount: number;
  /** Tensors that count, a tied one once. */
  readonly tensors: number;
  /** Dtype -> number of tensors. */
  readonly dtypes: Readonly<Record<string, number>>;
  readonly tied: boolean;
  /** config.json's vocab_size, padding rows included; null where it has none. */
  readonly vocabularySize: number | null;
  /** All of the model's files together. */
  readonly sizeBytes: number;
  /** sha256 of tokenizer.json; null where there is none. */
  readonly tokenizerDigest: string | null;
  /** What would keep this model from being recycled, whatever the others are. */
  readonly problems: readonly Problem[];
}

/** Describes a model folder from config, headers and tokenizer; reads no weights. Errors: those of `openModel`. */
export async function inspect(folder: string): Promise<ModelReport> {
  const model = await openModel(folder);
  const { byName } = canonicalTensors(model.tensors, model.tieWordEmbeddings);
  const dtypes: Record<string, number> = {};
  for (const { dtype } of byName.values()) dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
  const sizes = await Promise.all(model.files.map(async (name) => (await stat(join(model.folder, name))).size));
  return {
    architecture: model.architecture,
    parameterCount: model.parameterCount,
    tensors: byName.size,
    dtypes,
    tied: model.tieWordEmbeddings,
    vocabularySize: shapeConfig(model.config)['vocab_size'] ?? null,
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    tokenizerDigest: model.files.includes('tokenizer.json')
      ? await hashFile(join(model.folder, 'tokenizer.json'))
      : null,
    problems: dtypeProblems({ role: 'model', tensors: byName }),
  };
}
