import type { Problem } from '../problem.ts';
import type { Vocabulary } from '../vocabulary.ts';

/** A model's token -> row map, and how many rows its embedding has, padding rows included. */
export interface ModelVocabulary {
  readonly vocabulary: Vocabulary;
  readonly rows: number;
  /** True: there is no difference for some rows, so that no row moves by its place alone. Default false. */
  readonly isPartial?: boolean;
}

/** Everything that the output's rows are decided by; no weights. */
export interface VocabularyInput {
  readonly base: ModelVocabulary;
  readonly tuned: ModelVocabulary;
  readonly target: ModelVocabulary;
  /** The texts of the fine-tune's added tokens, `parseAddedTokens` gives them; empty where it has no tokenizer.json. */
  readonly addedTokens: ReadonlySet<string>;
}

/**
 * What an output row is made of: `move`: target + λ(tuned − base); `tuned`, `target`: that model's row as it is, whatever λ
 * is; `zero`: zeros.
 */
export type RowRule = 'move' | 'tuned' | 'target' | 'zero';

/** `count` output rows of one rule; every source row that is not null advances together with the output's row. */
export interface Segment {
  readonly count: number;
  readonly rule: RowRule;
  /** First source row in the target; null where the rule does not read it. */
  readonly target: number | null;
  /** First source row in the fine-tune; null where the rule does not read it. */
  readonly tuned: number | null;
  /** First source row in the base; null where the rule does not read it. */
  readonly base: number | null;
}

/** Rows that follow one another: the first, and how many. */
export type RowRange = readonly [first: number, count: number];

/** A token of the fine-tune whose row in the output is not its row in the fine-tune. */
export interface ChangedId {
  readonly token: string;
  readonly from: number;
  readonly to: number;
}

/** What a report says of a vocabulary plan. Lists of names hold at most five, by row. */
export interface VocabularySummary {
  /** Whose tokenizer files the output has: the fine-tune's, or the target's with the appended tokens. */
  readonly choice: 'fine-tune' | 'target';
  /** How rows were matched; `position` where all three have no tokenizer, or the same vocabulary files. */
  readonly matched: 'tokens' | 'position';
  /** Output rows of each rule; the four add up to the plan's rows. */
  readonly moved: number;
  readonly fromTuned: number;
  readonly kept: number;
  readonly zero: number;
  /** Output rows without a token: the `tuned`, `target` and `zero` rows among the above that are padding. */
  readonly padding: number;
  /** Tokens of the base and the fine-tune that the output no longer has. */
  readonly dropped: number;
  /** Tokens of the fine-tune that have another row in the output. */
  readonly changed: number;
  readonly names: {
    readonly fromTuned: readonly string[];
    readonly kept: readonly string[];
    readonly dropped: readonly string[];
  };
  readonly changedIds: readonly ChangedId[];
}

/** Where every row of the output's embedding (and of its own head, if it has one) comes from. */
export interface VocabularyPlan {
  /** Rows of the output's embedding. */
  readonly rows: number;
  /** The output's rows in order, without holes: the counts add up to `rows`. Neighbours could not be one segment. */
  readonly segments: readonly Segment[];
  /** The fine-tune's tokens that are appended to the target's tokenizer, by new row; empty unless the choice is `target`. */
  readonly appended: readonly ChangedId[];
  readonly summary: VocabularySummary;
}

/** A plan, or every reason why there is none. */
export type VocabularyOutcome =
  | { readonly kind: 'plan'; readonly plan: VocabularyPlan }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };
