import { editJson, type JsonEdit } from '../config/edit-json.ts';
import { sameValue, type Config } from '../config/config-fields.ts';
import type { AddedToken } from './parse-added-tokens.ts';

/** The tokenizer_config.json files, parsed, and the added tokens of the output's tokenizer.json. */
export interface ExtendTokenizerConfigInput {
  readonly tuned: Config;
  /** The fine-tune's file as it is stored. */
  readonly tunedText: string;
  /** Null where the target has none. */
  readonly target: Config | null;
  readonly addedTokens: readonly AddedToken[];
}

/** Fields that belong to the rules of tokenizer.json, and so come from the model that it comes from. */
const RULES = ['add_prefix_space', 'byte_fallback', 'legacy', 'model_max_length', 'sp_model_kwargs', 'tokenizer_class'];

/**
 * The tokenizer_config.json for the target's tokenizer with tokens of the fine-tune: the fine-tune's file, chat template and
 * special tokens included, because those are texts; the fields that belong to the tokenizer's rules are the target's where
 * both say something, and `added_tokens_decoder`, where there is one, lists the output's added tokens under their new ids.
 * Otherwise byte for byte the fine-tune's. Pure.
 */
export function extendTokenizerConfig({ tuned, tunedText, target, addedTokens }: ExtendTokenizerConfigInput): string {
  const edits: JsonEdit[] = [];
  const put = (field: string, value: unknown): void => {
    if (!sameValue(tuned[field], value)) edits.push({ path: [field], value });
  };
  for (const field of RULES) {
    const theirs = target?.[field];
    if (theirs !== undefined && tuned[field] !== undefined) put(field, theirs);
  }
  if (tuned['added_tokens_decoder'] !== undefined) {
    put(
      'added_tokens_decoder',
      Object.fromEntries(addedTokens.map(({ id, content, flags }) => [id, { content, ...flags }])),
    );
  }
  return editJson(tunedText, edits);
}
