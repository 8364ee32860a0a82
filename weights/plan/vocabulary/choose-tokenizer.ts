import { createProblem, type Problem } from '../problem.ts';
import { createLookup } from './create-lookup.ts';
import type { Tokens } from './same-tokens.ts';
import type { ChangedId } from './types.ts';

/** The tokens of the three models. */
export interface ModelTokens {
  readonly base: Tokens;
  readonly tuned: Tokens;
  readonly target: Tokens;
}

/** The tokenizer that the output has. */
export interface ChosenTokenizer {
  readonly kind: 'chosen';
  readonly choice: 'fine-tune' | 'target';
  /** Rows of the output's embedding. */
  readonly rows: number;
  /** The fine-tune's tokens that the target's tokenizer gets, by new row; empty for the fine-tune's tokenizer. */
  readonly appended: readonly ChangedId[];
  /** Tokens of base and fine-tune that are left out, by the fine-tune's row. */
  readonly dropped: readonly string[];
}

/** Rows beyond any tokenizer's; an id of such a size is a broken file, and memory would be spent on it. */
const MAX_ROWS = 1 << 24;
const PADDINGS = [128, 64, 32, 16, 8];

/**
 * Chooses the output's tokenizer. The fine-tune's, where it is the target's with tokens of its own: every token of the target
 * sits at the same row in it, and what the target lacks is new against the base or an added token. Otherwise the target's,
 * with those of the fine-tune's added tokens that it lacks appended after its last token: into padding rows first, then the
 * matrix grows to the target's own multiple; it also does for a token that only the fine-tune has a row of. Tokens of the fine-tune's model vocabulary cannot be appended, because their
 * merges or scores cannot: a problem names those that the base lacks too, the others are dropped.
 */
export function chooseTokenizer(
  models: ModelTokens,
  addedTokens: ReadonlySet<string>,
): ChosenTokenizer | { readonly kind: 'problems'; readonly problems: readonly Problem[] } {
  const { base, tuned, target } = models;
  const most = Math.max(base.rows, tuned.rows, target.rows);
  if (most > MAX_ROWS) return { kind: 'problems', problems: [tooManyRows(most)] };
  const { lacking, isInPlace, reach } = compareTokens(tuned, target);
  const isExtension = isInPlace && lacking.every((token) => !base.tokens.has(token) || addedTokens.has(token));
  if (isExtension) {
    const rows = Math.max(target.rows, tuned.rows);
    return { kind: 'chosen', choice: 'fine-tune', rows, appended: [], dropped: [] };
  }
  const byRow = lacking.sort((a, b) => (tuned.tokens.get(a) ?? 0) - (tuned.tokens.get(b) ?? 0));
  const own = byRow.filter((token) => !addedTokens.has(token) && !base.tokens.has(token));
  if (own.length > 0) return { kind: 'problems', problems: [ownVocabulary(own)] };
  const appended = append(
    tuned,
    target,
    byRow.filter((token) => addedTokens.has(token)),
  );
  const needed = Math.max(reach, (appended.at(-1)?.to ?? -1) + 1);
  if (needed > MAX_ROWS) return { kind: 'problems', problems: [tooManyRows(needed)] };
  const rows = needed <= target.rows ? target.rows : roundUp(needed, paddingOf(target.rows));
  const dropped = byRow.filter((token) => !addedTokens.has(token));
  return { kind: 'chosen', choice: 'target', rows, appended, dropped };
}

interface Comparison {
  /** Tokens of the fine-tune that the target lacks. */
  readonly lacking: string[];
  /** Whether every token of the target is at the same row in the fine-tune. */
  readonly isInPlace: boolean;
  /** Rows that the target's ids need for the tokens that the fine-tune has a row of. */
  readonly reach: number;
}

function compareTokens(tuned: Tokens, target: Tokens): Comparison {
  const rowOf = createLookup(target.tokens);
  const lacking: string[] = [];
  let inPlace = 0;
  let reach = 0;
  for (const [token, row] of tuned.tokens) {
    const theirs = rowOf(token);
    if (theirs === undefined) lacking.push(token);
    else if (theirs === row) inPlace++;
    if (theirs !== undefined && theirs >= reach && row < tuned.rows) reach = theirs + 1;
  }
  return { lacking, isInPlace: inPlace === target.tokens.size, reach };
}

function append(tuned: Tokens, target: Tokens, tokens: readonly string[]): readonly ChangedId[] {
  let next = 0;
  for (const row of target.tokens.values()) if (row >= next) next = row + 1;
  return tokens.map((token, i) => ({ token, from: tuned.tokens.get(token) ?? 0, to: next + i }));
}

/** The multiple that a row count was padded to, as far as it shows; 1: none. */
function paddingOf(rows: number): number {
  return PADDINGS.find((padding) => rows > 0 && rows % padding === 0) ?? 1;
}

function roundUp(count: number, multiple: number): number {
  return Math.ceil(count / multiple) * multiple;
}

function ownVocabulary(tokens: readonly string[]): Problem {
  const named = tokens.slice(0, 5).map((token) => JSON.stringify(token));
  return createProblem({
    code: 'WEIGHTS_VOCABULARY_MISMATCH',
    subject: 'tuned: tokenizer',
    found: `${String(tokens.length)} tokens of its own in the model vocabulary: ${named.join(', ')}${tokens.length > 5 ? ', …' : ''}`,
    expected: "added tokens only, because the target's tokenizer differs and is the one that is kept",
    advice: 'make them added tokens, or choose a target with the tokenizer of the base',
  });
}

function tooManyRows(needed: number): Problem {
  return createProblem({
    code: 'WEIGHTS_VOCABULARY_MISMATCH',
    subject: 'target: tokenizer',
    found: `tokens up to row ${String(needed - 1)}, those to be appended included`,
    expected: `at most ${String(MAX_ROWS)} rows`,
    advice: "check the ids in the target's tokenizer.json",
  });
}
