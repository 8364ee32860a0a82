import { InferenceError } from '../errors.ts';
import type { ScoreRequest } from './request.ts';

export interface WindowOptions {
  /** Most tokens of a window (`LanguageModel.limits.positions`), at least 2. The last of them is only predicted. */
  readonly positions: number;
  /** How far a window begins after the one before, at least 1 (`positions`): smaller leaves more context and takes longer. */
  readonly stride?: number | undefined;
  /** Put in front of every window, usually the beginning-of-text token; it counts as one of its tokens. */
  readonly firstToken?: number | undefined;
}

/**
 * The windows in which a text's perplexity is measured: exp(−Σ log-probability ÷ scored tokens) of all of them together. Every
 * token but the first (with `firstToken`, every token) is scored exactly once, with all tokens of its window before it: at
 * least `positions` − `stride`, and never none.
 *
 * The windows of Hugging Face's recipe for fixed-length models (transformers' documentation, "Perplexity of fixed-length
 * models"), but for one thing: at a stride of `positions` that leaves the first token of each window out, and this lets each
 * window begin with the token before it.
 *
 * Errors: INFERENCE_EMPTY_REQUEST where no window could hold a token to score.
 */
export function windowsOf(
  tokens: readonly number[],
  { positions, stride = positions, firstToken }: WindowOptions,
): readonly ScoreRequest[] {
  const front = firstToken === undefined ? [] : [firstToken];
  const body = positions - front.length;
  const step = Math.min(stride, body - 1 + front.length);
  if (!(step >= 1)) {
    const message = `Windows of ${positions} tokens and a stride of ${stride} score nothing; expected at least 2 and 1.`;
    throw new InferenceError('INFERENCE_EMPTY_REQUEST', message, { positions, stride });
  }
  const windows: ScoreRequest[] = [];
  let scored = 1 - front.length;
  for (let begin = 0; scored < tokens.length; begin += step) {
    const end = Math.min(begin + body, tokens.length);
    windows.push({ prompt: [...front, ...tokens.slice(begin, scored)], continuation: tokens.slice(scored, end) });
    scored = end;
  }
  return windows;
}
