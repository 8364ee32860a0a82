import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from '@temporalio/workflow';
import type { Failure } from '../../contracts/lineage-state.ts';

/** The first coded cause of a failed run. */
export function failureOf(error: unknown): Failure {
  if ((error instanceof ChildWorkflowFailure || error instanceof ActivityFailure) && error.cause !== undefined)
    return failureOf(error.cause);
  if (error instanceof ApplicationFailure) return { code: error.type ?? 'UNKNOWN', message: error.message };
  return { code: 'UNKNOWN', message: error instanceof Error ? error.message : String(error) };
}

/** Why an order is not carried out. */
export function refusal(code: string, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code);
}
