import type { TensorEntry } from './model.ts';

/** Output heads and the embeddings that they share their weights with when a model is tied. */
const TIED: readonly { readonly head: string; readonly embeddings: readonly string[] }[] = [
  { head: 'lm_head.weight', embeddings: ['model.embed_tokens.weight', 'transformer.wte.weight'] },
  { head: 'embed_out.weight', embeddings: ['gpt_neox.embed_in.weight'] },
];

/** A model's tensors, each once. */
export interface CanonicalTensors {
  /** By the name that all models agree on: a tied weight always goes by its embedding's name, wherever it is stored. */
  readonly byName: ReadonlyMap<string, TensorEntry>;
  /** Stored duplicates of a tied embedding; neither read nor written. */
  readonly duplicates: readonly TensorEntry[];
}

/**
 * Resolves tied embeddings. When `tied`, a head stored beside its embedding is a duplicate, and a head stored alone
 * stands for the embedding. Keeps the stored order.
 */
export function canonicalTensors(tensors: ReadonlyMap<string, TensorEntry>, tied: boolean): CanonicalTensors {
  const byName = new Map<string, TensorEntry>();
  const duplicates: TensorEntry[] = [];
  for (const entry of tensors.values()) {
    const pair = tied ? TIED.find(({ head }) => head === entry.name) : undefined;
    if (pair === undefined) byName.set(entry.name, entry);
    else if (pair.embeddings.some((name) => tensors.has(name))) duplicates.push(entry);
    else byName.set(pair.embeddings[0] ?? entry.name, entry);
  }
  return { byName, duplicates };
}

/** Whether a model whose config does not say so is tied: it stores an embedding and no head of its own. */
export function looksTied(tensors: ReadonlySet<string>): boolean {
  return TIED.some(({ head, embeddings }) => !tensors.has(head) && embeddings.some((name) => tensors.has(name)));
}

const VOCABULARY_TENSORS: ReadonlySet<string> = new Set([
  ...TIED.flatMap(({ head, embeddings }) => [head, ...embeddings]),
  'lm_head.bias',
]);

/** Whether a tensor has a row for every token of the vocabulary: an embedding, or an output head. */
export function isVocabularyTensor(canonicalName: string): boolean {
  return VOCABULARY_TENSORS.has(canonicalName);
}

/** Rows of a model's embedding, padding included; 0 where it has none that is known by name. */
export function vocabularyRows(tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>): number {
  const embedding = TIED.flatMap(({ embeddings }) => embeddings).find((name) => tensors.has(name));
  return tensors.get(embedding ?? 'lm_head.weight')?.shape[0] ?? 0;
}
