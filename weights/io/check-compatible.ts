import { findProblems } from '../plan/compatibility.ts';
import type { Problem } from '../plan/problem.ts';
import { openModel } from './open-model.ts';
import { readFacts } from './read-facts.ts';

/** Model folders; `tuned` may be left out when only two releases are compared. */
export interface CheckCompatibleInput {
  readonly base: string;
  readonly tuned?: string;
  readonly target: string;
}

/**
 * Every reason why tuned − base cannot be added to target; an empty list means that it can. Reads configs, headers and
 * tokenizers, no weights. RoPE settings may differ: they come from the target. Throws only where a folder cannot be opened
 * (errors of `openModel`, WEIGHTS_TOKENIZER_INVALID).
 */
export async function checkCompatible(input: CheckCompatibleInput): Promise<readonly Problem[]> {
  const base = await readFacts('base', await openModel(input.base));
  const tuned = input.tuned === undefined ? [] : [await readFacts('tuned', await openModel(input.tuned))];
  const target = await readFacts('target', await openModel(input.target));
  return findProblems(base, [...tuned, target]);
}
