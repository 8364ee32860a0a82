import { assignRows } from './assign-rows.ts';
import { chooseTokenizer } from './choose-tokenizer.ts';
import { encodeSegments } from './encode-segments.ts';
import { findUnmatched } from './find-unmatched.ts';
import { sameTokens, type Tokens } from './same-tokens.ts';
import { summarizeRows } from './summarize-rows.ts';
import type { ModelVocabulary, VocabularyInput, VocabularyOutcome, VocabularyPlan } from './types.ts';

/**
 * Decides what every row of the output's embedding is made of: rows are matched by token, never by position, unless no model
 * has a tokenizer or all have the same one.
 *
 * - The same map and the same number of rows everywhere: every row moves, padding rows included.
 * - A token of all three moves; one of the fine-tune alone is the fine-tune's row; one that the base lacks, or the fine-tune
 *   lacks, is the target's row: there is no difference to add. Of two tokens on one row, the later one of the map counts.
 * - A row without a token is the target's; where it has none, the fine-tune's if that is padding too; else zeros.
 * - A token beyond the rows of its own model has no row there. The output does not grow for a token that no model has a row
 *   of, unless it is appended: then it gets padding.
 *
 * Whose tokenizer the output has: see `chooseTokenizer`. Pure; time and memory are linear in tokens and rows. Problems:
 * WEIGHTS_VOCABULARY_MISMATCH where rows cannot be matched, or where the fine-tune's model vocabulary cannot be carried.
 */
export function planVocabulary(input: VocabularyInput): VocabularyOutcome {
  const { base, tuned, target } = input;
  const models = { base: toTokens(base), tuned: toTokens(tuned), target: toTokens(target) };
  if (models.base === null || models.tuned === null || models.target === null) return planByPosition(input);
  if (base.isPartial !== true && base.rows === target.rows && tuned.rows === target.rows) {
    const { base: reference, tuned: one, target: other } = models;
    if (sameTokens(reference.tokens, one.tokens) && sameTokens(reference.tokens, other.tokens)) {
      return { kind: 'plan', plan: moveEverything(target.rows, 'tokens') };
    }
  }
  const known = { base: models.base, tuned: models.tuned, target: models.target };
  const chosen = chooseTokenizer(known, input.addedTokens);
  if (chosen.kind === 'problems') return chosen;
  const table = assignRows(known, chosen);
  const plan: VocabularyPlan = {
    rows: chosen.rows,
    segments: encodeSegments(table),
    appended: chosen.appended,
    summary: summarizeRows(table, chosen),
  };
  return { kind: 'plan', plan };
}

function toTokens({ vocabulary, rows }: ModelVocabulary): Tokens | null {
  return vocabulary.kind === 'tokens' ? { tokens: vocabulary.tokens, rows } : null;
}

function planByPosition(input: VocabularyInput): VocabularyOutcome {
  const problems = findUnmatched(input);
  if (problems.length > 0) return { kind: 'problems', problems };
  return { kind: 'plan', plan: moveEverything(input.target.rows, 'position') };
}

function moveEverything(rows: number, matched: 'tokens' | 'position'): VocabularyPlan {
  return {
    rows,
    segments: rows === 0 ? [] : [{ count: rows, rule: 'move', target: 0, tuned: 0, base: 0 }],
    appended: [],
    summary: {
      choice: 'fine-tune',
      matched,
      moved: rows,
      fromTuned: 0,
      kept: 0,
      zero: 0,
      padding: 0,
      dropped: 0,
      changed: 0,
      names: { fromTuned: [], kept: [], dropped: [] },
      changedIds: [],
    },
  };
}
