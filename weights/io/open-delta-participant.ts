import { basename, join } from 'node:path';
import { vocabularyRows } from '../plan/canonical-tensors.ts';
import type { Facts } from '../plan/compatibility.ts';
import type { ModelTexts } from '../plan/plan-files.ts';
import type { OwnValues, StoredDelta } from '../plan/plan-move.ts';
import type { ModelVocabulary } from '../plan/vocabulary/types.ts';
import { openDelta, type DeltaFolder } from './open-delta.ts';
import { readTexts } from './participant.ts';
import type { ReadVocabulary } from './read-vocabulary.ts';

/** A delta that takes part in some work: opened, its JSON files read, none of its values. */
export interface DeltaParticipant {
  readonly delta: DeltaFolder;
  readonly facts: Facts;
  readonly deltaOf: (canonicalName: string) => StoredDelta | null;
  /** The fine-tune's own rows: those that the manifest lists as introduced. */
  readonly ownOf: (canonicalName: string) => OwnValues | null;
  /** The fine-tune's. */
  readonly vocabulary: ModelVocabulary;
  readonly texts: ModelTexts;
}

/** Opens a delta. Errors: those of `openDelta`, WEIGHTS_TOKENIZER_INVALID. */
export async function openDeltaParticipant(folder: string, read: ReadVocabulary): Promise<DeltaParticipant> {
  const delta = await openDelta(folder);
  const { manifest, tensors } = delta;
  const texts = await readTexts(join(delta.folder, 'fine-tune'), delta.fineTuneFiles);
  const { architecture, modelType, shapeConfig, tied, vocabularyDigest } = manifest;
  const vocabulary =
    vocabularyDigest === null
      ? await read(texts.folder, texts.files, texts.texts.get('tokenizer.json') ?? null)
      : ({ kind: 'files', digest: vocabularyDigest } as const);
  const role = `delta ${basename(delta.folder)}`;
  return {
    delta,
    facts: { role, architecture, modelType, shapeConfig, tied, tensors, vocabulary },
    deltaOf: (name) => {
      const values = tensors.get(name);
      return values === undefined ? null : { kind: 'stored', values };
    },
    ownOf: (name) => {
      const values = tensors.get(name);
      return values === undefined ? null : { values, plus: null };
    },
    vocabulary: { vocabulary, rows: vocabularyRows(tensors) },
    texts,
  };
}
