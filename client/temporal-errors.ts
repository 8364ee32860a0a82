import {
  QueryNotRegisteredError,
  QueryRejectedError,
  ServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { messageOf, RegraftError } from '../contracts/error.ts';

/** The server's own word for an update that a worker's answer passed over, as one that has just started may: not ours to keep. */
const PASSED_OVER = 'UnprocessedUpdate';

/** What a Temporal call threw, as one of our sentences; a coded failure from a workflow keeps its code. */
export function asRegraftError(error: unknown, lineage: string): unknown {
  const coded = codedCause(error);
  const isPassedOver = coded?.type === PASSED_OVER;
  if (coded !== null && !isPassedOver)
    return new RegraftError(coded.type ?? 'UNKNOWN', coded.message, { cause: error });
  if (error instanceof WorkflowNotFoundError) {
    return new RegraftError(
      'LINEAGE_NOT_FOUND',
      `No lineage is called ${lineage}; \`regraft status\` lists those that run, \`regraft apply FILE\` creates one.`,
      { cause: error },
    );
  }
  if (
    isPassedOver ||
    error instanceof QueryRejectedError ||
    error instanceof QueryNotRegisteredError ||
    error instanceof ServiceError ||
    error instanceof WorkflowUpdateRPCTimeoutOrCancelledError
  ) {
    return new RegraftError(
      'LINEAGE_NOT_ANSWERING',
      `Lineage ${lineage} does not answer: ${messageOf(coded ?? error)}; a worker for the control queue must run: \`regraft up\`, or \`regraft worker --queues control\`.`,
      { retryable: true, cause: error },
    );
  }
  return error;
}

function codedCause(error: unknown): ApplicationFailure | null {
  if (error instanceof ApplicationFailure) return error;
  if (
    error instanceof WorkflowUpdateFailedError ||
    error instanceof WorkflowFailedError ||
    error instanceof ActivityFailure
  ) {
    return codedCause(error.cause);
  }
  return null;
}
