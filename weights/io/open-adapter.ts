import { join } from 'node:path';
import { parseAdapterConfig } from '../plan/adapter/parse-adapter-config.ts';
import { planAdapter } from '../plan/adapter/plan-adapter.ts';
import type { AdapterDelta } from '../plan/adapter/types.ts';
import { isVocabularyTensor } from '../plan/canonical-tensors.ts';
import type { TensorEntry } from '../plan/model.ts';
import { pickleNames, pickleRefused } from '../plan/pickle.ts';
import { toSource, type StoredDelta } from '../plan/plan-move.ts';
import type { FineTune } from './fine-tune.ts';
import { fineTuneTexts, readTexts, type Participant } from './participant.ts';
import { assertSameCopies } from './probe-base.ts';
import { readSafetensorsHeader } from './read-safetensors-header.ts';
import { readText } from './read-text.ts';
import type { ReadVocabulary } from './read-vocabulary.ts';

/** The file that makes a folder a PEFT adapter. */
export const ADAPTER_CONFIG = 'adapter_config.json';
const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

type Tensors = ReadonlyMap<string, TensorEntry>;

/**
 * Opens a PEFT LoRA adapter as a fine-tune of `base`: Δ = scale·B·A, and whole tensors where it saves modules. An adapter
 * without a tokenizer speaks its base's. Errors: WEIGHTS_ADAPTER_INVALID, and those of `readSafetensorsHeader`.
 */
export async function openAdapter(
  root: string,
  files: readonly string[],
  base: Participant,
  read: ReadVocabulary,
): Promise<FineTune> {
  const path = join(root, ADAPTER_CONFIG);
  const config = parseAdapterConfig(await readText(path, 10_000_000), path);
  const [pickle] = files.includes(ADAPTER_WEIGHTS) ? [] : pickleNames(files);
  if (pickle !== undefined) throw pickleRefused(root, `only the pickle ${pickle}`);
  const { tensors } = await readSafetensorsHeader(join(root, ADAPTER_WEIGHTS));
  const stored = new Map(tensors.map((entry) => [entry.name, entry]));
  const planned = planAdapter(config, stored, base.tensors);
  const deltas = planned.kind === 'plan' ? planned.deltas : new Map<string, AdapterDelta>();
  const copies = planned.kind === 'plan' ? planned.baseCopies : new Map<string, string>();
  const deltaOf = (name: string): StoredDelta | null => {
    const [delta, from] = [deltas.get(name), base.tensors.get(name)];
    return delta === undefined || from === undefined ? null : toStored(delta, stored, from);
  };
  const own = await readTexts(root, files);
  const tokenizer = own.texts.get('tokenizer.json');
  const vocabulary = tokenizer === undefined ? base.vocabulary.vocabulary : await read(root, own.files, tokenizer);
  return {
    model: null,
    problems: planned.kind === 'problems' ? planned.problems : [],
    deltaOf,
    ownOf: (name) => {
      const [delta, from] = [deltaOf(name), base.tensors.get(name)];
      if (delta?.kind === 'pair') return { values: delta.tuned, plus: null };
      return from === undefined ? null : { values: from, plus: delta?.kind === 'low-rank' ? delta : null };
    },
    vocabulary: { vocabulary, rows: savedRows(deltas, stored) ?? base.vocabulary.rows },
    texts: fineTuneTexts(tokenizer === undefined ? base.texts : own),
    config: base.model.config,
    assertParent: () => assertSameCopies(pick(copies, stored), base.tensors),
  };
}

function pick(copies: ReadonlyMap<string, string>, stored: Tensors): Tensors {
  return new Map(
    [...copies].flatMap(([name, copy]) => {
      const entry = stored.get(copy);
      return entry === undefined ? [] : [[name, entry] as const];
    }),
  );
}

/** Rows of a tensor of the vocabulary that the adapter stores whole; all of those have as many. */
function savedRows(deltas: ReadonlyMap<string, AdapterDelta>, stored: Tensors): number | undefined {
  for (const [name, delta] of deltas) {
    if (isVocabularyTensor(name) && delta.kind === 'saved') return stored.get(delta.tensor)?.shape[0];
  }
  return undefined;
}

function toStored(delta: AdapterDelta, stored: Tensors, base: TensorEntry): StoredDelta | null {
  if (delta.kind === 'saved') {
    const tuned = stored.get(delta.tensor);
    return tuned === undefined ? null : { kind: 'pair', tuned, base };
  }
  const [a, b] = [stored.get(delta.a), stored.get(delta.b)];
  const [rows = 0, columns = 0] = base.shape;
  if (a === undefined || b === undefined) return null;
  const { transposed, scale: factor, rank } = delta;
  const common = { kind: 'low-rank', rows, columns, rank, factor, firstRow: 0 } as const;
  // (B·A)ᵀ is Aᵀ·Bᵀ.
  return transposed
    ? { ...common, left: toSource(a), isLeftTransposed: true, right: toSource(b), isRightTransposed: true }
    : { ...common, left: toSource(b), isLeftTransposed: false, right: toSource(a), isRightTransposed: false };
}
