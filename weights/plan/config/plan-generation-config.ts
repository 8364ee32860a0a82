import { configFields, sameValue, type Config, type ConfigConflict } from './config-fields.ts';
import { editJson, type JsonEdit } from './edit-json.ts';
import type { ConfigPlan } from './plan-config.ts';
import { mapTokenIds, TOKEN_ID_FIELDS, type IdMap } from './token-ids.ts';

/** The generation_config.json files, parsed; null where a model has none. */
export interface GenerationConfigInput {
  readonly base: Config | null;
  readonly tuned: Config;
  readonly target: Config | null;
  /** The fine-tune's generation_config.json as it is stored. */
  readonly tunedText: string;
  /** Where the fine-tune's tokens are in the output. */
  readonly ids: IdMap;
}

/**
 * Decides the output's generation_config.json where the fine-tune has one: the fine-tune's, its token ids as the output
 * numbers them. An id whose token the output lacks becomes the target's value, or null, and is a conflict that the target
 * won. The other conflicts are the fields that fine-tune and target both changed against the base, differently; the
 * fine-tune's value is taken. `text` null: the fine-tune's file, byte for byte. Pure.
 */
export function planGenerationConfig(input: GenerationConfigInput): ConfigPlan {
  const { base, tuned, target, tunedText, ids } = input;
  const edits: JsonEdit[] = [];
  const conflicts: ConfigConflict[] = [];
  const outputs = new Map(configFields(tuned));
  const lost = new Set<string>();
  for (const field of TOKEN_ID_FIELDS) {
    const said = tuned[field];
    if (said === undefined) continue;
    const mapped = mapTokenIds(said, ids);
    const theirs = target?.[field] ?? null;
    const value = mapped === null ? theirs : mapped.value;
    if (!sameValue(value, said)) edits.push({ path: [field], value });
    outputs.set(field, value ?? undefined);
    if (mapped !== null) continue;
    lost.add(field);
    conflicts.push({ field, base: base?.[field] ?? null, tuned: said, target: theirs, taken: 'target' });
  }
  conflicts.push(...changedByBoth(input, outputs, lost));
  return {
    text: edits.length === 0 ? null : editJson(tunedText, edits),
    conflicts: conflicts.sort((a, b) => (a.field < b.field ? -1 : 1)),
  };
}

function changedByBoth(
  { base, tuned, target }: GenerationConfigInput,
  outputs: ReadonlyMap<string, unknown>,
  lost: ReadonlySet<string>,
): readonly ConfigConflict[] {
  if (target === null) return [];
  const [was, said, theirs] = [configFields(base ?? {}), configFields(tuned), configFields(target)];
  const conflicts: ConfigConflict[] = [];
  for (const field of new Set([...was.keys(), ...said.keys(), ...theirs.keys()])) {
    if (lost.has(field)) continue;
    const [before, now, other] = [was.get(field), said.get(field), theirs.get(field)];
    if (sameValue(now, before) || sameValue(other, before) || sameValue(outputs.get(field), other)) continue;
    conflicts.push({ field, base: before ?? null, tuned: now ?? null, target: other ?? null, taken: 'tuned' });
  }
  return conflicts;
}
