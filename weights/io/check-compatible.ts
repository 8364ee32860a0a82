import { findProblems } from '../plan/compatibility.ts';
import type { Problem } from '../plan/problem.ts';
import { planVocabulary } from '../plan/vocabulary/plan-vocabulary.ts';
import { addedTokensOf, openParticipant } from './participant.ts';
import { planRecycle } from './recycle.ts';
import { createVocabularyReader } from './read-vocabulary.ts';

/** Model folders; `tuned` may be left out when only two releases are compared. */
export interface CheckCompatibleInput {
  readonly base: string;
  /** A model folder, or the folder of a PEFT LoRA adapter. */
  readonly tuned?: string;
  readonly target: string;
}

/**
 * Every reason why tuned − base cannot be added to target; an empty list means that it can. Reads configs, headers and
 * tokenizers, no weights. RoPE settings may differ: they come from the target. Throws only where a folder cannot be opened
 * (errors of `openModel`, WEIGHTS_TOKENIZER_INVALID).
 */
export async function checkCompatible({ base, tuned, target }: CheckCompatibleInput): Promise<readonly Problem[]> {
  if (tuned !== undefined) {
    const { outcome } = await planRecycle({ base, tuned, target }, [1]);
    return outcome.kind === 'problems' ? outcome.problems : [];
  }
  const read = createVocabularyReader();
  const one = await openParticipant('base', base, read);
  const other = await openParticipant('target', target, read);
  const vocabulary = planVocabulary({
    ...{ base: one.vocabulary, tuned: one.vocabulary, target: other.vocabulary },
    addedTokens: addedTokensOf(one.texts),
  });
  return [...findProblems(one.facts, [other.facts]), ...(vocabulary.kind === 'problems' ? vocabulary.problems : [])];
}
