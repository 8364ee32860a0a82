import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { asRegraftError } from '../../client/temporal-errors.ts';

function updateFailed(type: string, message: string): WorkflowUpdateFailedError {
  return new WorkflowUpdateFailedError('Workflow Update failed', ApplicationFailure.nonRetryable(message, type));
}

describe('an update that failed', () => {
  it('keeps the code that the lineage gave it', () => {
    expect(asRegraftError(updateFailed('RELEASE_UNKNOWN', 'No such release.'), 'math')).toMatchObject({
      ...{ code: 'RELEASE_UNKNOWN', message: 'No such release.', retryable: false },
    });
  });

  it('is tried again where a worker that has just started passed it over', () => {
    expect(asRegraftError(updateFailed('UnprocessedUpdate', 'It was not processed.'), 'math')).toMatchObject({
      code: 'LINEAGE_NOT_ANSWERING',
      message: expect.stringMatching(/^Lineage math does not answer: It was not processed/),
      retryable: true,
    });
  });
});
