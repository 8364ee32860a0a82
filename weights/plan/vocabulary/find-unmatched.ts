import { createProblem, type Problem } from '../problem.ts';
import type { Vocabulary } from '../vocabulary.ts';
import type { ModelVocabulary, VocabularyInput } from './types.ts';

const SAVE = 'save a tokenizer.json beside each model: load the tokenizer with transformers and call save_pretrained';

/**
 * Why the rows of three models that do not all have a tokenizer.json cannot be matched by position; empty where they can:
 * none has a tokenizer, or all have the same vocabulary files, and all have as many rows.
 */
export function findUnmatched({ base, tuned, target }: VocabularyInput): readonly Problem[] {
  return [...differences(base, 'tuned', tuned), ...differences(base, 'target', target)];
}

function differences(base: ModelVocabulary, role: string, other: ModelVocabulary): readonly Problem[] {
  const found = say(other.vocabulary);
  if (other.vocabulary.kind !== base.vocabulary.kind) {
    return [mismatch(`${role}: tokenizer`, found, `${say(base.vocabulary)} as in base`)];
  }
  const isSame = digestOf(other.vocabulary) === digestOf(base.vocabulary);
  if (!isSame) return [mismatch(`${role}: tokenizer`, `other ${found}`, 'the vocabulary files of base')];
  if (other.rows === base.rows || other.vocabulary.kind === 'tokens') return [];
  const expected = `${String(base.rows)} as in base, because without a tokenizer.json rows are matched by position`;
  return [mismatch(`${role}: vocabulary rows`, String(other.rows), expected)];
}

function digestOf(vocabulary: Vocabulary): string | null {
  return vocabulary.kind === 'files' ? vocabulary.digest : null;
}

function mismatch(subject: string, found: string, expected: string): Problem {
  return createProblem({ code: 'WEIGHTS_VOCABULARY_MISMATCH', subject, found, expected, advice: SAVE });
}

function say(vocabulary: Vocabulary): string {
  switch (vocabulary.kind) {
    case 'tokens':
      return 'a tokenizer.json';
    case 'files':
      return 'vocabulary files without a tokenizer.json';
    case 'none':
      return 'no tokenizer';
  }
}
