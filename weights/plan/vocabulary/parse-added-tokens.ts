import { WeightsError } from '../../errors.ts';
import { isRecord } from '../is-record.ts';

/** An entry of a tokenizer.json's `added_tokens`: its text, its row, and its flags as they are written. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  readonly flags: Readonly<Record<string, unknown>>;
}

/** The added tokens of a tokenizer.json, in stored order; none where it lists none. Error: WEIGHTS_TOKENIZER_INVALID. */
export function parseAddedTokens(text: string, path: string): readonly AddedToken[] {
  return readAddedTokens(parseTokenizer(text, path), path);
}

/** The document of a tokenizer.json. Error: WEIGHTS_TOKENIZER_INVALID. */
export function parseTokenizer(text: string, path: string): Readonly<Record<string, unknown>> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw invalidTokenizer(path, 'is not JSON');
  }
  if (!isRecord(document)) throw invalidTokenizer(path, 'is not a JSON object');
  return document;
}

/** `parseAddedTokens` of a document that is parsed already. Error: WEIGHTS_TOKENIZER_INVALID. */
export function readAddedTokens(document: Readonly<Record<string, unknown>>, path: string): readonly AddedToken[] {
  const listed: readonly unknown[] = Array.isArray(document['added_tokens']) ? document['added_tokens'] : [];
  return listed.map((entry) => {
    const { id, content, ...flags } = isRecord(entry) ? entry : {};
    if (typeof content === 'string' && typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) {
      return { content, id, flags };
    }
    throw invalidTokenizer(path, `has the added token ${JSON.stringify(entry)}, which lacks a text or a row`);
  });
}

/** One sentence about a tokenizer.json that cannot be used. */
export function invalidTokenizer(path: string, why: string): WeightsError {
  const message = `${path}: the tokenizer ${why}; save the tokenizer again with the tokenizers library.`;
  return new WeightsError('WEIGHTS_TOKENIZER_INVALID', message, { path });
}
