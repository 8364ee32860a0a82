import { InferenceError, type InferenceErrorCode } from './errors.ts';

/** What a model can take. */
export interface ModelLimits {
  readonly vocabularySize: number;
  /**
   * Longest sequence, in tokens: `max_position_embeddings` of config.json, and of a dynamic RoPE that times its factor, which is
   * as far as it is made to stretch.
   */
  readonly positions: number;
}

/** What is wrong with one request. */
export interface RequestProblem {
  readonly code: InferenceErrorCode;
  readonly request: number;
  readonly message: string;
}

/** Names a problem of one request. */
export type NameProblem = (code: InferenceErrorCode, what: string) => RequestProblem;

const SHOWN = 5;

/** Checks every request; the error names each bad one by its index, and carries the first one's code. */
export function assertNoProblems<Request>(
  requests: readonly Request[],
  problemOf: (request: Request, name: NameProblem) => RequestProblem | null,
): void {
  const problems = requests.flatMap((one, request) => {
    return problemOf(one, (code, what) => ({ code, request, message: `request ${request} ${what}` })) ?? [];
  });
  const [first] = problems;
  if (first === undefined) return;
  const shown = problems.slice(0, SHOWN).map(({ message }) => message);
  const rest = problems.length > SHOWN ? [`and ${problems.length - SHOWN} more requests are wrong`] : [];
  throw new InferenceError(first.code, `${[...shown, ...rest].join('; ')}.`, { problems });
}

/** INFERENCE_TOKEN_OUT_OF_RANGE where a token is none of the model's: onnxruntime takes −V…V−1 and wraps in silence. */
export function tokenProblem(
  tokens: readonly number[],
  { vocabularySize }: ModelLimits,
  name: NameProblem,
): RequestProblem | null {
  const wrong = tokens.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
  if (wrong === undefined) return null;
  const expected = `expected 0 to ${vocabularySize - 1}: use the model's own tokenizer`;
  return name('INFERENCE_TOKEN_OUT_OF_RANGE', `has token id ${wrong}, ${expected}`);
}

/** INFERENCE_SEQUENCE_TOO_LONG where a sequence is longer than the model allows. */
export function lengthProblem(length: number, { positions }: ModelLimits, name: NameProblem): RequestProblem | null {
  if (length <= positions) return null;
  const what = `needs ${length} positions, the model has ${positions}: shorten the prompt`;
  return name('INFERENCE_SEQUENCE_TOO_LONG', what);
}
