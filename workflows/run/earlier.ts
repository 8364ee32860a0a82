import { ApplicationFailure } from '@temporalio/workflow';

/** What an earlier stage left; that it did is the policy's order of stages. */
export function earlier<Value>(value: Value | null): Value {
  if (value !== null) return value;
  throw ApplicationFailure.nonRetryable('A stage ran before the one whose result it needs.', 'RUN_STAGE_ORDER');
}
