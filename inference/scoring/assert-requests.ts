import { InferenceError, type InferenceErrorCode } from '../errors.ts';
import type { ScoreRequest } from './request.ts';

/** What a model can take. */
export interface ScoringLimits {
  readonly vocabularySize: number;
  /** Longest sequence, in tokens. */
  readonly positions: number;
}

interface RequestProblem {
  readonly code: InferenceErrorCode;
  readonly request: number;
  readonly message: string;
}

const SHOWN = 5;

/**
 * Checks every request; the error names each bad one by its index, and carries the first one's code:
 * INFERENCE_EMPTY_REQUEST, INFERENCE_TOKEN_OUT_OF_RANGE or INFERENCE_SEQUENCE_TOO_LONG.
 */
export function assertRequests(requests: readonly ScoreRequest[], limits: ScoringLimits): void {
  const problems = requests.flatMap((request, index) => problemOf(request, index, limits) ?? []);
  const [first] = problems;
  if (first === undefined) return;
  const shown = problems.slice(0, SHOWN).map(({ message }) => message);
  const rest = problems.length > SHOWN ? [`and ${problems.length - SHOWN} more requests are wrong`] : [];
  throw new InferenceError(first.code, `${[...shown, ...rest].join('; ')}.`, { problems });
}

function problemOf(
  { prompt, continuation }: ScoreRequest,
  request: number,
  { vocabularySize, positions }: ScoringLimits,
): RequestProblem | null {
  const problem = (code: InferenceErrorCode, what: string): RequestProblem => {
    return { code, request, message: `request ${request} ${what}` };
  };
  if (prompt.length === 0 || continuation.length === 0) {
    const found = `${prompt.length} prompt and ${continuation.length} continuation tokens`;
    return problem('INFERENCE_EMPTY_REQUEST', `has ${found}, expected at least one of each`);
  }
  // onnxruntime takes −V…V−1 and wraps in silence.
  const isWrong = (id: number): boolean => !Number.isInteger(id) || id < 0 || id >= vocabularySize;
  const wrong = prompt.find(isWrong) ?? continuation.find(isWrong);
  if (wrong !== undefined) {
    const expected = `expected 0 to ${vocabularySize - 1}: use the model's own tokenizer`;
    return problem('INFERENCE_TOKEN_OUT_OF_RANGE', `has token id ${wrong}, ${expected}`);
  }
  const length = prompt.length + continuation.length - 1; // the last token is only ever predicted
  if (length <= positions) return null;
  const what = `needs ${length} positions, the model has ${positions}: shorten the prompt`;
  return problem('INFERENCE_SEQUENCE_TOO_LONG', what);
}
