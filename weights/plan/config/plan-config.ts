import { isRecord } from '../is-record.ts';
import { shapeConfig } from '../shape-config.ts';
import { configFields, sameValue, type Config, type ConfigConflict } from './config-fields.ts';
import { editJson, type JsonEdit } from './edit-json.ts';
import { mapTokenIds, type IdMap } from './token-ids.ts';

/** Three parsed config.json files, the target's text, and what the vocabulary plan says. */
export interface ConfigInput {
  readonly base: Config;
  readonly tuned: Config;
  readonly target: Config;
  /** The target's config.json as it is stored. */
  readonly targetText: string;
  /** Rows of the embedding. */
  readonly rows: { readonly target: number; readonly output: number };
  /** Where the fine-tune's tokens are in the output. */
  readonly ids: IdMap;
}

/** The output's config file. */
export interface ConfigPlan {
  /** Null: the file that it is taken from, byte for byte. */
  readonly text: string | null;
  /** Sorted by field. */
  readonly conflicts: readonly ConfigConflict[];
}

const SPECIAL_IDS = ['bos_token_id', 'eos_token_id', 'pad_token_id'] as const;
const VOCABULARY_SIZE = 'vocab_size';

/**
 * Decides the output's config.json: the target's, except vocab_size where the matrix grew, and the bos, eos and pad ids that
 * the fine-tune changed against its base, as the output numbers those tokens (at the top and in `text_config`). A fine-tune
 * that does not mention an id did not change it; one that says null did.
 *
 * Conflicts: every field that the fine-tune changed against its base and that the output does not have from it, and every
 * special id that the target changed too, to another. Null counts as absent; what transformers derives from other fields
 * counts as said; vocab_size and fields without meaning (versions, paths, storage dtype) are no conflict. Pure.
 */
export function planConfig(input: ConfigInput): ConfigPlan {
  const special = specialIds(input);
  const edits = [...vocabularySize(input), ...special.flatMap(({ edit }) => edit ?? [])];
  const text = editJson(input.targetText, edits);
  const decided = new Set(special.map(({ name }) => name));
  const conflicts = [...special.flatMap(({ conflict }) => conflict ?? []), ...changedFields(input, decided)];
  return {
    text: text === input.targetText ? null : text,
    conflicts: conflicts.sort((a, b) => (a.field < b.field ? -1 : 1)),
  };
}

/** The places of a config that may hold ids and sizes of the text model. */
function places(config: Config): readonly (readonly string[])[] {
  return isRecord(config['text_config']) ? [[], ['text_config']] : [[]];
}

function valueAt(config: Config, path: readonly string[]): unknown {
  return path.reduce<unknown>((holder, key) => (isRecord(holder) ? holder[key] : undefined), config);
}

function vocabularySize({ target, rows }: ConfigInput): readonly JsonEdit[] {
  if (rows.output <= rows.target) return [];
  const holders = places(target).filter((place) => valueAt(target, [...place, VOCABULARY_SIZE]) !== undefined);
  const where = holders.length > 0 ? holders : places(target).slice(-1);
  return where.map((place) => ({ path: [...place, VOCABULARY_SIZE], value: rows.output }));
}

interface SpecialId {
  /** Dotted. */
  readonly name: string;
  readonly edit: JsonEdit | null;
  readonly conflict: ConfigConflict | null;
}

/** The special ids that the fine-tune changed, and what becomes of each. */
function specialIds(input: ConfigInput): readonly SpecialId[] {
  return places(input.target).flatMap((place) =>
    SPECIAL_IDS.flatMap((field) => specialId(input, [...place, field]) ?? []),
  );
}

function specialId({ base, tuned, target, ids }: ConfigInput, path: readonly string[]): SpecialId | null {
  const was = valueAt(base, path) ?? null;
  const said = valueAt(tuned, path);
  if (said === undefined || sameValue(said, was)) return null;
  const theirs = valueAt(target, path) ?? null;
  const mapped = mapTokenIds(said, ids);
  const name = path.join('.');
  const conflict = { field: name, base: was, tuned: said, target: theirs };
  if (mapped === null) return { name, edit: null, conflict: { ...conflict, taken: 'target' } };
  if (sameValue(mapped.value, theirs)) return { name, edit: null, conflict: null };
  const isContested = !sameValue(theirs, was);
  return { name, edit: { path, value: mapped.value }, conflict: isContested ? { ...conflict, taken: 'tuned' } : null };
}

function changedFields({ base, tuned, target }: ConfigInput, decided: ReadonlySet<string>): readonly ConfigConflict[] {
  const [was, said, theirs] = [withDerived(base), withDerived(tuned), withDerived(target)];
  const conflicts: ConfigConflict[] = [];
  for (const field of new Set([...was.keys(), ...said.keys()])) {
    if (decided.has(field) || field === VOCABULARY_SIZE || field.endsWith(`.${VOCABULARY_SIZE}`)) continue;
    const [before, now, kept] = [was.get(field), said.get(field), theirs.get(field)];
    if (sameValue(before, now) || sameValue(now, kept)) continue;
    conflicts.push({ field, base: before ?? null, tuned: now ?? null, target: kept ?? null, taken: 'target' });
  }
  return conflicts;
}

/** A config's fields with those that transformers derives, so that a file that spells them out says nothing new. */
function withDerived(config: Config): ReadonlyMap<string, unknown> {
  const derived = isRecord(config['text_config']) ? {} : shapeConfig(config);
  return new Map([...Object.entries(derived), ...configFields(config)]);
}
