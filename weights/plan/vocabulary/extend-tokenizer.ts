import { editJson } from '../config/edit-json.ts';
import { isRecord } from '../is-record.ts';
import {
  invalidTokenizer,
  parseAddedTokens,
  parseTokenizer,
  readAddedTokens,
  type AddedToken,
} from './parse-added-tokens.ts';
import type { VocabularyPlan } from './types.ts';

/** Two tokenizer.json files, and the plan that appends tokens of one to the other. */
export interface ExtendTokenizerInput {
  readonly targetText: string;
  readonly tunedText: string;
  readonly appended: VocabularyPlan['appended'];
  /** What messages call the two files. */
  readonly targetPath: string;
  readonly tunedPath: string;
}

/** The output's tokenizer.json, and its added tokens for the files beside it. */
export interface ExtendedTokenizer {
  readonly text: string;
  readonly addedTokens: readonly AddedToken[];
}

/**
 * The target's tokenizer.json with tokens of the fine-tune appended to `added_tokens`: their new ids, the fine-tune's flags.
 * Everything else of the text stays as it is, byte for byte; with nothing to append, all of it does. Pure.
 *
 * Loaders number added tokens themselves, one after another, and ignore the ids in the file. A target whose ids have holes
 * would give the appended tokens other rows than the plan, so it is refused. Error: WEIGHTS_TOKENIZER_INVALID.
 */
export function extendTokenizer(input: ExtendTokenizerInput): ExtendedTokenizer {
  const { targetText, tunedText, appended, targetPath, tunedPath } = input;
  const document = parseTokenizer(targetText, targetPath);
  const present = readAddedTokens(document, targetPath);
  if (appended.length === 0) return { text: targetText, addedTokens: present };
  const flagsOf = new Map(parseAddedTokens(tunedText, tunedPath).map((token) => [token.content, token]));
  const added = appended.map(({ token, to }): AddedToken => ({
    content: token,
    id: to,
    flags: flagsOf.get(token)?.flags ?? DEFAULT_FLAGS,
  }));
  refuseRenumbered(document, [...present, ...added], new Set(added), targetPath);
  const addedTokens = [...present, ...added];
  const value = addedTokens.map(({ content, id, flags }) => ({ id, content, ...flags }));
  return { text: editJson(targetText, [{ path: ['added_tokens'], value }]), addedTokens };
}

/** What the tokenizers library writes for a token of which nothing is said. */
const DEFAULT_FLAGS = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };

/** Numbers the added tokens as the tokenizers library does when it loads the file, and compares the appended ones. */
function refuseRenumbered(
  document: Readonly<Record<string, unknown>>,
  all: readonly AddedToken[],
  appended: ReadonlySet<AddedToken>,
  path: string,
): void {
  const model = modelVocabulary(document, path);
  let next = model.size;
  for (const token of all) {
    const known = model.rowOf(token.content);
    const id = known ?? next;
    if (known === null) next++;
    else if (known >= next) next = known + 1;
    if (!appended.has(token) || id === token.id) continue;
    const why = `has unused ids below ${String(token.id)}, so that ${JSON.stringify(token.content)} would be loaded as ${String(id)}`;
    throw invalidTokenizer(path, why);
  }
}

interface ModelVocabulary {
  readonly size: number;
  readonly rowOf: (token: string) => number | null;
}

function modelVocabulary(document: Readonly<Record<string, unknown>>, path: string): ModelVocabulary {
  const model = document['model'];
  const vocab = isRecord(model) ? model['vocab'] : undefined;
  if (isRecord(vocab)) {
    const rowOf = (token: string): number | null => {
      const row = Object.hasOwn(vocab, token) ? vocab[token] : undefined;
      return typeof row === 'number' ? row : null;
    };
    return { size: Object.keys(vocab).length, rowOf };
  }
  if (!Array.isArray(vocab)) throw invalidTokenizer(path, 'has no model.vocab');
  const rows = new Map(vocab.map((pair: unknown, row) => [Array.isArray(pair) ? (pair[0] as unknown) : pair, row]));
  return { size: vocab.length, rowOf: (token) => rows.get(token) ?? null };
}
