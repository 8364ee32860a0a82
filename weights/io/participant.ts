import { join } from 'node:path';
import { canonicalTensors, vocabularyRows } from '../plan/canonical-tensors.ts';
import type { Facts } from '../plan/compatibility.ts';
import type { Config } from '../plan/config/config-fields.ts';
import type { ModelFolder, TensorEntry } from '../plan/model.ts';
import { parseConfig } from '../plan/parse-config.ts';
import type { ModelTexts } from '../plan/plan-files.ts';
import { shapeConfig } from '../plan/shape-config.ts';
import { FINE_TUNE_FILES } from '../plan/sidecars.ts';
import { parseAddedTokens } from '../plan/vocabulary/parse-added-tokens.ts';
import type { ModelVocabulary } from '../plan/vocabulary/types.ts';
import { openModel } from './open-model.ts';
import { readText } from './read-text.ts';
import type { ReadVocabulary } from './read-vocabulary.ts';

/** A model that takes part in some work: opened, its JSON files read, none of its weights. */
export interface Participant {
  readonly facts: Facts;
  readonly model: ModelFolder;
  /** By canonical name, in stored order. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly vocabulary: ModelVocabulary;
  /** All of its files besides the weights. */
  readonly texts: ModelTexts;
}

const TEXTS = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'added_tokens.json'];

/** Opens a model. Errors: those of `openModel`, WEIGHTS_TOKENIZER_INVALID, WEIGHTS_FILE_TOO_LARGE. */
export async function openParticipant(role: string, folder: string, read: ReadVocabulary): Promise<Participant> {
  const model = await openModel(folder);
  const texts = await readTexts(model.folder, model.files);
  const { byName: tensors } = canonicalTensors(model.tensors, model.tieWordEmbeddings);
  const modelType = model.config['model_type'];
  const vocabulary = await read(model.folder, model.files, texts.texts.get('tokenizer.json') ?? null);
  return {
    facts: {
      role,
      architecture: model.architecture,
      modelType: typeof modelType === 'string' ? modelType : '',
      shapeConfig: shapeConfig(model.config),
      tied: model.tieWordEmbeddings,
      tensors,
      vocabulary,
    },
    model,
    tensors,
    vocabulary: { vocabulary, rows: vocabularyRows(tensors) },
    texts,
  };
}

/** The JSON files of a model folder that decisions are made by. */
export async function readTexts(folder: string, files: readonly string[]): Promise<ModelTexts> {
  const texts = new Map<string, string>();
  for (const name of TEXTS) if (files.includes(name)) texts.set(name, await readText(join(folder, name)));
  return { folder, files, texts };
}

/** The files of a model that it carries along as a fine-tune. */
export function fineTuneTexts({ folder, files, texts }: ModelTexts): ModelTexts {
  return { folder, files: FINE_TUNE_FILES.filter((name) => files.includes(name)), texts };
}

/** The texts of the added tokens. */
export function addedTokensOf({ folder, texts }: ModelTexts): ReadonlySet<string> {
  const text = texts.get('tokenizer.json');
  if (text === undefined) return new Set();
  return new Set(parseAddedTokens(text, join(folder, 'tokenizer.json')).map(({ content }) => content));
}

/** A model's generation_config.json; null where it has none. Error: WEIGHTS_CONFIG_INVALID. */
export function generationConfigOf({ folder, texts }: ModelTexts): Config | null {
  const name = 'generation_config.json';
  const text = texts.get(name);
  return text === undefined ? null : parseConfig(text, join(folder, name));
}
