type Json = Readonly<Record<string, unknown>>;

/**
 * A tokenizer.json whose pre-tokenizer `Whitespace` is spelled out as the expression that it stands for:
 * `@huggingface/tokenizers` 0.2.0 takes only A–Z, digits and underscores for the characters of a word, Python's `tokenizers`
 * those of every script.
 */
export function unicodeWhitespace(definition: Json): Json {
  const { pre_tokenizer: preTokenizer } = definition;
  return isJson(preTokenizer) ? { ...definition, pre_tokenizer: spelledOut(preTokenizer) } : definition;
}

/** Join controls are characters of a word to Python's library, in the middle of an emoji too. */
const WORD = String.raw`\w\u200c\u200d`;
const WORDS = { type: 'Split', pattern: { Regex: `[${WORD}]+|[^${WORD}\\s]+` }, behavior: 'Removed', invert: true };

function spelledOut(preTokenizer: Json): Json {
  if (preTokenizer['type'] === 'Whitespace') return WORDS;
  const { pretokenizers } = preTokenizer;
  if (!Array.isArray(pretokenizers)) return preTokenizer;
  const parts: readonly unknown[] = pretokenizers;
  return { ...preTokenizer, pretokenizers: parts.map((part) => (isJson(part) ? spelledOut(part) : part)) };
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
