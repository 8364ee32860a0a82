import {
  assertNoProblems,
  lengthProblem,
  tokenProblem,
  type ModelLimits,
  type NameProblem,
  type RequestProblem,
} from '../request-problems.ts';
import type { ScoreRequest } from './request.ts';

/**
 * Checks every request; the error names each bad one by its index, and carries the first one's code:
 * INFERENCE_EMPTY_REQUEST, INFERENCE_TOKEN_OUT_OF_RANGE or INFERENCE_SEQUENCE_TOO_LONG.
 */
export function assertRequests(requests: readonly ScoreRequest[], limits: ModelLimits): void {
  assertNoProblems(requests, (request, name) => problemOf(request, limits, name));
}

function problemOf(
  { prompt, continuation }: ScoreRequest,
  limits: ModelLimits,
  name: NameProblem,
): RequestProblem | null {
  if (prompt.length === 0 || continuation.length === 0) {
    const found = `${prompt.length} prompt and ${continuation.length} continuation tokens`;
    return name('INFERENCE_EMPTY_REQUEST', `has ${found}, expected at least one of each`);
  }
  const wrong = tokenProblem(prompt, limits, name) ?? tokenProblem(continuation, limits, name);
  // The last token is only ever predicted.
  return wrong ?? lengthProblem(prompt.length + continuation.length - 1, limits, name);
}
