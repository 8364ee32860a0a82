/** Fields of a config or generation config that hold token ids: a number, a list, or a list of lists. */
export const TOKEN_ID_FIELDS: readonly string[] = [
  'begin_suppress_tokens',
  'bad_words_ids',
  'bos_token_id',
  'decoder_start_token_id',
  'eos_token_id',
  'force_words_ids',
  'forced_bos_token_id',
  'forced_eos_token_id',
  'pad_token_id',
  'suppress_tokens',
];

/** Where a token of the fine-tune is in the output; null: the output lacks it. */
export type IdMap = (id: number) => number | null;

/**
 * The same ids as the output numbers them, whatever lists they are in; anything that is not a number stays. Null where one of
 * the ids has no token in the output, because half a list would not mean what it did.
 */
export function mapTokenIds(value: unknown, ids: IdMap): { readonly value: unknown } | null {
  if (typeof value === 'number') {
    const mapped = ids(value);
    return mapped === null ? null : { value: mapped };
  }
  if (!Array.isArray(value)) return { value };
  const items: unknown[] = [];
  for (const item of value) {
    const mapped = mapTokenIds(item, ids);
    if (mapped === null) return null;
    items.push(mapped.value);
  }
  return { value: items };
}
