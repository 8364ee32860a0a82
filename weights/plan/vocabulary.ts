import { WeightsError } from '../errors.ts';
import { isRecord } from './is-record.ts';

/** What is known about the meaning of a model's vocabulary rows. */
export type Vocabulary =
  | { readonly kind: 'tokens'; readonly tokens: ReadonlyMap<string, number> }
  /** A tokenizer without tokenizer.json: only whether two of them are the same can be said. */
  | { readonly kind: 'files'; readonly digest: string }
  | { readonly kind: 'none' };

/**
 * The token -> row map of a tokenizer.json, added tokens included (they win, as in the tokenizers library).
 * Error: WEIGHTS_TOKENIZER_INVALID.
 */
export function parseVocabulary(text: string, path: string): ReadonlyMap<string, number> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw invalid(path, 'is not JSON');
  }
  const model = isRecord(document) ? document['model'] : undefined;
  const vocab = isRecord(model) ? model['vocab'] : undefined;
  const tokens = new Map<string, number>();
  const add = (token: unknown, id: unknown): void => {
    if (typeof token !== 'string' || typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) {
      throw invalid(path, `maps the token ${JSON.stringify(token)} to ${JSON.stringify(id)}`);
    }
    tokens.set(token, id);
  };
  if (isRecord(vocab)) for (const [token, id] of Object.entries(vocab)) add(token, id);
  else if (Array.isArray(vocab))
    vocab.forEach((pair, id) => {
      add(Array.isArray(pair) ? pair[0] : pair, id);
    });
  else throw invalid(path, 'has no model.vocab');
  const added = isRecord(document) ? document['added_tokens'] : undefined;
  for (const one of Array.isArray(added) ? added : []) {
    if (!isRecord(one)) throw invalid(path, 'has an added token that is not an object');
    add(one['content'], one['id']);
  }
  return tokens;
}

function invalid(path: string, why: string): WeightsError {
  const message = `${path}: the tokenizer ${why}; save the tokenizer again with the tokenizers library.`;
  return new WeightsError('WEIGHTS_TOKENIZER_INVALID', message, { path });
}
