import { sameValue, type Config } from '../config/config-fields.ts';
import type { AddedToken } from './parse-added-tokens.ts';

/** The added_tokens.json files, parsed, and the added tokens of the output's tokenizer.json. */
export interface ExtendAddedTokensInput {
  readonly tuned: Config;
  /** The fine-tune's file as it is stored. */
  readonly tunedText: string;
  /** Null where the target has none. */
  readonly target: Config | null;
  readonly addedTokens: readonly AddedToken[];
}

/**
 * The added_tokens.json for the target's tokenizer with tokens of the fine-tune: every token that either file lists and the
 * output has, under the output's id, by id. Byte for byte the fine-tune's where that says the same. Pure.
 */
export function extendAddedTokens({ tuned, tunedText, target, addedTokens }: ExtendAddedTokensInput): string {
  const listed = addedTokens.filter(
    ({ content }) => Object.hasOwn(tuned, content) || (target !== null && Object.hasOwn(target, content)),
  );
  const ids = Object.fromEntries([...listed].sort((a, b) => a.id - b.id).map(({ content, id }) => [content, id]));
  return sameValue(tuned, ids) ? tunedText : `${JSON.stringify(ids, null, 2)}\n`;
}
