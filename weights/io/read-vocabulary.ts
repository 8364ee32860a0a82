import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parseVocabulary, type Vocabulary } from '../plan/vocabulary.ts';
import { hashFile } from './hash-file.ts';
import { readText } from './read-text.ts';

const SLOW_VOCABULARY =
  /^(added_tokens\.json|merges\.txt|sentencepiece\.bpe\.model|spiece\.model|tokenizer\.model|vocab\.(json|txt))$/;

/**
 * What a folder's tokenizer files say about vocabulary rows: tokenizer.json where there is one, else the digest of the other
 * vocabulary files. `files` are the names that exist. Errors: WEIGHTS_TOKENIZER_INVALID, WEIGHTS_FILE_MISSING.
 */
export async function readVocabulary(folder: string, files: readonly string[]): Promise<Vocabulary> {
  if (files.includes('tokenizer.json')) {
    const path = join(folder, 'tokenizer.json');
    return { kind: 'tokens', tokens: parseVocabulary(await readText(path), path) };
  }
  const slow = files.filter((name) => SLOW_VOCABULARY.test(name)).sort();
  if (slow.length === 0) return { kind: 'none' };
  const hash = createHash('sha256');
  for (const name of slow) hash.update(`${name}\n${await hashFile(join(folder, name))}\n`);
  return { kind: 'files', digest: hash.digest('hex') };
}
