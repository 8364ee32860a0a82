import { planConfig, type ConfigPlan } from './config/plan-config.ts';
import type { Config, ConfigConflict } from './config/config-fields.ts';
import { planGenerationConfig } from './config/plan-generation-config.ts';
import type { IdMap } from './config/token-ids.ts';
import { parseConfig } from './parse-config.ts';
import { planSidecars, type Sidecar } from './sidecars.ts';
import { extendAddedTokens } from './vocabulary/extend-added-tokens.ts';
import { extendTokenizer } from './vocabulary/extend-tokenizer.ts';
import { extendTokenizerConfig } from './vocabulary/extend-tokenizer-config.ts';
import type { VocabularyPlan } from './vocabulary/types.ts';

/** A model's files besides its weights: their names, and the texts of the JSON ones, by name. */
export interface ModelTexts {
  readonly folder: string;
  readonly files: readonly string[];
  readonly texts: ReadonlyMap<string, string>;
}

/** What the files besides the weights are decided by. */
export interface FilesInput {
  readonly target: ModelTexts;
  readonly fineTune: ModelTexts;
  /** config.json of the fine-tune and of its base; null where a delta does not say. */
  readonly configs: { readonly tuned: Config; readonly base: Config } | null;
  /** generation_config.json of the base; null where it has none. */
  readonly baseGeneration: Config | null;
  readonly vocabulary: VocabularyPlan;
  /** Rows of the target's embedding. */
  readonly targetRows: number;
  readonly ids: IdMap;
}

/** A file of the output: copied from a model, or written anew. */
export interface PlannedFile extends Sidecar {
  /** Null: byte for byte as there. */
  readonly text: string | null;
}

/** A conflict, and the file that it is in. */
export interface FileConflict extends ConfigConflict {
  readonly file: string;
}

/**
 * Decides the files besides the weights. Architecture, RoPE, context length and dtype are the target's; chat template,
 * generation config, added tokens and tokenizer rules the fine-tune's, by the rows that its tokens have in the output. Pure.
 * Errors: WEIGHTS_CONFIG_INVALID, WEIGHTS_TOKENIZER_INVALID for a file that cannot be read.
 */
export function planFiles(input: FilesInput): {
  readonly files: readonly PlannedFile[];
  readonly conflicts: readonly FileConflict[];
} {
  const { target, fineTune } = input;
  const written = new Map<string, ConfigPlan>();
  const config = configPlan(input);
  if (config !== null) written.set('config.json', config);
  const generation = generationPlan(input);
  if (generation !== null) written.set('generation_config.json', generation);
  if (input.vocabulary.summary.choice === 'target') {
    for (const [name, text] of extendedFiles(input)) written.set(name, { text, conflicts: [] });
  }
  const files = planSidecars(target.files, fineTune.files).map((sidecar): PlannedFile => {
    const text = written.get(sidecar.name)?.text ?? null;
    const from =
      sidecar.name === 'tokenizer.json' && input.vocabulary.summary.choice === 'target' ? 'target' : sidecar.from;
    return { name: sidecar.name, from, text };
  });
  const conflicts = [...written].flatMap(([file, plan]) => plan.conflicts.map((conflict) => ({ file, ...conflict })));
  return { files, conflicts };
}

function configPlan({ target, configs, vocabulary, targetRows, ids }: FilesInput): ConfigPlan | null {
  const targetText = target.texts.get('config.json');
  if (targetText === undefined) return null;
  const config = parseConfig(targetText, `${target.folder}/config.json`);
  const rows = { target: targetRows, output: targetRows === 0 ? 0 : vocabulary.rows };
  const { tuned, base } = configs ?? { tuned: config, base: config }; // then nothing counts as changed
  return planConfig({ base, tuned, target: config, targetText, rows, ids });
}

function generationPlan({ target, fineTune, baseGeneration, ids }: FilesInput): ConfigPlan | null {
  const name = 'generation_config.json';
  const tunedText = fineTune.texts.get(name);
  if (tunedText === undefined) return null;
  const theirs = target.texts.get(name);
  return planGenerationConfig({
    base: baseGeneration,
    tuned: parseConfig(tunedText, `${fineTune.folder}/${name}`),
    target: theirs === undefined ? null : parseConfig(theirs, `${target.folder}/${name}`),
    tunedText,
    ids,
  });
}

/** The target's tokenizer with the fine-tune's own tokens, and the files that tell of them. */
function extendedFiles({ target, fineTune, vocabulary }: FilesInput): readonly (readonly [string, string])[] {
  const pathOf = ({ folder }: ModelTexts, name: string): string => `${folder}/${name}`;
  const targetText = target.texts.get('tokenizer.json');
  const tunedText = fineTune.texts.get('tokenizer.json');
  if (targetText === undefined || tunedText === undefined) return [];
  const { text, addedTokens } = extendTokenizer({
    ...{ targetText, tunedText, appended: vocabulary.appended },
    targetPath: pathOf(target, 'tokenizer.json'),
    tunedPath: pathOf(fineTune, 'tokenizer.json'),
  });
  const both = (name: string): { tuned: Config; tunedText: string; target: Config | null } | null => {
    const tuned = fineTune.texts.get(name);
    const theirs = target.texts.get(name);
    if (tuned === undefined) return null;
    return {
      tuned: parseConfig(tuned, pathOf(fineTune, name)),
      tunedText: tuned,
      target: theirs === undefined ? null : parseConfig(theirs, pathOf(target, name)),
    };
  };
  const files: (readonly [string, string])[] = [['tokenizer.json', text]];
  const config = both('tokenizer_config.json');
  if (config !== null) files.push(['tokenizer_config.json', extendTokenizerConfig({ ...config, addedTokens })]);
  const added = both('added_tokens.json');
  if (added !== null) files.push(['added_tokens.json', extendAddedTokens({ ...added, addedTokens })]);
  return files;
}
