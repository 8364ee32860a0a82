import type { Problem } from '../problem.ts';
import { adapterProblem } from './adapter-problem.ts';
import type { AdapterConfig } from './parse-adapter-config.ts';

const EMBEDDINGS = /(^|\.)(embed_tokens|wte|embed_in)\.weight$/;
const HEADS = /^(lm_head|embed_out)\.weight$/;

/**
 * What an adapter's part for a tensor is where the model is tied. `own`: like any other. `duplicate`: the same tensor once
 * more, not read. `split`: it would make two tensors of one, because PEFT trains a copy that the tied one does not follow.
 * Embeddings that PEFT stored unasked, as it does after a resize, are the tied tensor itself, and so is the head beside them.
 */
export function tiedRole(
  name: string,
  saved: ReadonlyMap<string, string>,
  { modulesToSave, ensureWeightTying }: AdapterConfig,
): 'own' | 'duplicate' | 'split' {
  const isHead = HEADS.test(name);
  if (!isHead && !EMBEDDINGS.test(name)) return 'own';
  const isCopied = !saved.has(name) || modulesToSave.some((module) => isOfModule(name, module));
  if (!isHead) return isCopied && !ensureWeightTying ? 'split' : 'own';
  const isBeside = saved.has(name) && [...saved.keys()].some((other) => EMBEDDINGS.test(other));
  return isBeside && (!isCopied || ensureWeightTying) ? 'duplicate' : 'split';
}

/** The problem of a part that is `split`. */
export function tiedProblem(tensor: string): Problem {
  return adapterProblem('WEIGHTS_TIED_MISMATCH', tensor, 'a difference for one of two tied tensors', {
    expected: 'none for the embeddings or the head of a tied model',
    advice: 'train the adapter without them, or give an untied merged model',
  });
}

/** Whether a tensor belongs to a module of that name, wherever the module is. */
export function isOfModule(tensor: string, module: string): boolean {
  return `.${tensor}`.includes(`.${module}.`);
}
