import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parseVocabulary, type Vocabulary } from '../plan/vocabulary.ts';
import { hashFile } from './hash-file.ts';

const SLOW_VOCABULARY =
  /^(added_tokens\.json|merges\.txt|sentencepiece\.bpe\.model|spiece\.model|tokenizer\.model|vocab\.(json|txt))$/;

/**
 * What a folder's tokenizer files say about vocabulary rows: tokenizer.json where there is one (its text is given), else the
 * digest of the other vocabulary files. `files` are the names that exist.
 */
export type ReadVocabulary = (
  folder: string,
  files: readonly string[],
  tokenizerText: string | null,
) => Promise<Vocabulary>;

/** A reader that parses the same text once. Errors: WEIGHTS_TOKENIZER_INVALID, WEIGHTS_FILE_MISSING. */
export function createVocabularyReader(): ReadVocabulary {
  const known = new Map<string, Vocabulary>();
  return async (folder, files, text) => {
    if (text === null) return await readFileDigest(folder, files);
    const vocabulary = known.get(text) ?? {
      kind: 'tokens',
      tokens: parseVocabulary(text, join(folder, 'tokenizer.json')),
    };
    known.set(text, vocabulary);
    return vocabulary;
  };
}

async function readFileDigest(folder: string, files: readonly string[]): Promise<Vocabulary> {
  const slow = files.filter((name) => SLOW_VOCABULARY.test(name)).sort();
  if (slow.length === 0) return { kind: 'none' };
  const hash = createHash('sha256');
  for (const name of slow) hash.update(`${name}\n${await hashFile(join(folder, name))}\n`);
  return { kind: 'files', digest: hash.digest('hex') };
}
