import type { IdMap } from '../config/token-ids.ts';
import type { VocabularyInput, VocabularyPlan } from './types.ts';

/**
 * Where the fine-tune's ids are in the output, for configs: an id by way of its token. Null where the output lacks the token,
 * or where no token of the fine-tune has the id while rows were renumbered. A negative id, which means "none", stays. Of two
 * tokens on one row the later one of the map counts. The fine-tune's map is turned around at the first question only.
 */
export function createIdMap({ tuned, target }: Pick<VocabularyInput, 'tuned' | 'target'>, plan: VocabularyPlan): IdMap {
  const { vocabulary: from } = tuned;
  const { vocabulary: to } = target;
  if (plan.summary.choice === 'fine-tune' || from.kind !== 'tokens' || to.kind !== 'tokens') return (id) => id;
  const appended = new Map(plan.appended.map((token) => [token.token, token.to]));
  let tokenOf: ReadonlyMap<number, string> | null = null;
  return (id) => {
    if (id < 0) return id;
    tokenOf ??= new Map([...from.tokens].map(([token, row]) => [row, token]));
    const token = tokenOf.get(id);
    return token === undefined ? null : (to.tokens.get(token) ?? appended.get(token) ?? null);
  };
}
