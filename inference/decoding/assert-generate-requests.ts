import {
  assertNoProblems,
  lengthProblem,
  tokenProblem,
  type ModelLimits,
  type NameProblem,
  type RequestProblem,
} from '../request-problems.ts';
import type { GenerateRequest } from './request.ts';

/**
 * Checks every request; the error names each bad one by its index, and carries the first one's code:
 * INFERENCE_EMPTY_REQUEST, INFERENCE_TOKEN_OUT_OF_RANGE or INFERENCE_SEQUENCE_TOO_LONG (prompt + maxNewTokens).
 */
export function assertGenerateRequests(requests: readonly GenerateRequest[], limits: ModelLimits): void {
  assertNoProblems(requests, (request, name) => problemOf(request, limits, name));
}

function problemOf(
  { prompt, maxNewTokens }: GenerateRequest,
  limits: ModelLimits,
  name: NameProblem,
): RequestProblem | null {
  if (prompt.length === 0 || !Number.isInteger(maxNewTokens) || maxNewTokens < 1) {
    const found = `${prompt.length} prompt tokens and a maxNewTokens of ${maxNewTokens}`;
    return name('INFERENCE_EMPTY_REQUEST', `has ${found}, expected at least 1 of each`);
  }
  return tokenProblem(prompt, limits, name) ?? lengthProblem(prompt.length + maxNewTokens, limits, name);
}
