import { planVocabulary } from '../../../../weights/plan/vocabulary/plan-vocabulary.ts';
import type {
  ModelVocabulary,
  RowRule,
  VocabularyInput,
  VocabularyPlan,
} from '../../../../weights/plan/vocabulary/types.ts';

/** A model whose tokens have these rows; a list numbers them from 0. */
export function model(
  tokens: readonly string[] | Readonly<Record<string, number>>,
  rows = Array.isArray(tokens) ? tokens.length : Object.keys(tokens).length,
): ModelVocabulary {
  const entries = Array.isArray(tokens)
    ? tokens.map((token: string, row) => [token, row] as const)
    : Object.entries(tokens as Readonly<Record<string, number>>);
  return { vocabulary: { kind: 'tokens', tokens: new Map(entries) }, rows };
}

/** The plan for three models; fails where there is none. */
export function planOf(
  models: Omit<VocabularyInput, 'addedTokens'>,
  addedTokens: readonly string[] = [],
): VocabularyPlan {
  const outcome = planVocabulary({ ...models, addedTokens: new Set(addedTokens) });
  if (outcome.kind === 'plan') return outcome.plan;
  throw new Error(outcome.problems.map(({ sentence }) => sentence).join(' '));
}

/** One output row and where it comes from. */
export interface Row {
  readonly rule: RowRule;
  readonly target: number | null;
  readonly tuned: number | null;
  readonly base: number | null;
}

/** A plan's segments, row by row. */
export function rowsOf({ segments }: VocabularyPlan): readonly Row[] {
  const at = (first: number | null, offset: number): number | null => (first === null ? null : first + offset);
  return segments.flatMap(({ count, rule, target, tuned, base }) =>
    Array.from({ length: count }, (_, i) => ({ rule, target: at(target, i), tuned: at(tuned, i), base: at(base, i) })),
  );
}

/** The tokens of a model. */
export function tokensOf({ vocabulary }: ModelVocabulary): ReadonlyMap<string, number> {
  return vocabulary.kind === 'tokens' ? vocabulary.tokens : new Map();
}

/** The token -> row map of the tokenizer that a plan chooses. */
export function outputTokens(
  { tuned, target }: Pick<VocabularyInput, 'tuned' | 'target'>,
  plan: VocabularyPlan,
): ReadonlyMap<string, number> {
  if (plan.summary.choice === 'fine-tune') return tokensOf(tuned);
  return new Map([...tokensOf(target), ...plan.appended.map(({ token, to }) => [token, to] as const)]);
}
