import { ActivityCancellationDetails, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { atRim, stageAtRim, toFailure, type ActivityScope } from '../../activities/rim.ts';
import { RegraftError } from '../../contracts/error.ts';
import { createMetrics } from '../../metrics/registry.ts';
import { WeightsError } from '../../weights/index.ts';
import { quietEnvironment } from '../support/quiet-environment.ts';

const KEY = { lineage: 'tiny-sums', release: 'M1', arm: 'plain' } as const;

/** Runs work at the rim in an environment of its own; resolves to what it threw. */
async function failureOf(
  work: (scope: ActivityScope, env: MockActivityEnvironment) => Promise<unknown>,
): Promise<unknown> {
  const env = quietEnvironment();
  const activity = atRim((_input: null, scope) => work(scope, env));
  return env.run(activity, null).then(
    () => 'it did not fail',
    (error: unknown) => error,
  );
}

/** Waits as a well-behaved library does: with an AbortError of its own. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new DOMException('This operation was aborted', 'AbortError')));
  });
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the rim', () => {
  it('hands input and result through, with who asked', async () => {
    const env = quietEnvironment({ workflowExecution: { workflowId: 'lineage/a', runId: 'r1' } });
    const activity = atRim(async (input: number, scope) => [input, scope.workflowId, scope.runId, scope.stopReason()]);
    expect(await env.run(activity, 7)).toEqual([7, 'lineage/a', 'r1', 'none']);
  });

  it.each([true, false])('gives a coded error its code as type; retryable %s', async (retryable) => {
    const failure = await failureOf(async () => {
      throw new RegraftError('TRAINER_X', 'A sentence.', { retryable, details: { exitCode: 3 } });
    });
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      type: 'TRAINER_X',
      message: 'A sentence.',
      nonRetryable: !retryable,
      details: [{ exitCode: 3 }],
    });
  });

  it('treats an engine’s error alike', () => {
    expect(toFailure(new WeightsError('WEIGHTS_INCOMPATIBLE', 'No.'))).toMatchObject({
      type: 'WEIGHTS_INCOMPATIBLE',
      nonRetryable: true,
    });
  });

  it('leaves an error without a code as it is, for another try', async () => {
    const error = new TypeError('a bug');
    expect(await failureOf(() => Promise.reject(error))).toBe(error);
  });

  it('makes a failure of what is no error at all', () => {
    expect(toFailure('text')).toMatchObject({ type: 'UNKNOWN', message: 'text', nonRetryable: false });
  });

  it.each([
    ['CANCELLED', 'cancelled'],
    ['WORKER_SHUTDOWN', 'worker-shutdown'],
    ['TIMED_OUT', 'cancelled'],
    ['PAUSED', 'cancelled'],
  ] as const)('rethrows the signal’s own reason after %s, not the AbortError it led to', async (reason, stopReason) => {
    let seen = '';
    const failure = await failureOf(async ({ signal, stopReason: ask }, env) => {
      const details = new ActivityCancellationDetails({ cancelRequested: true });
      setTimeout(() => env.cancel(reason, details));
      return untilAborted(signal).finally(() => {
        seen = ask();
      });
    });
    expect(failure).toBeInstanceOf(CancelledFailure);
    expect([(failure as Error).message, seen]).toEqual([reason, stopReason]);
  });

  it('rethrows the signal’s own reason also when the work ended in a coded error of its own', async () => {
    const failure = await failureOf(async (_scope, env) => {
      env.cancel();
      throw new RegraftError('WEIGHTS_ABORTED', 'Aborted.', { retryable: true });
    });
    expect(failure).toBeInstanceOf(CancelledFailure);
  });

  it('keeps a result that was ready when it was cancelled', async () => {
    const env = quietEnvironment();
    const activity = atRim(async () => {
      env.cancel();
      return 'done';
    });
    expect(await env.run(activity, null)).toBe('done');
  });

  it('says every two seconds that it is alive, with the newest progress, and stops when the work does', async () => {
    vi.useFakeTimers();
    const env = quietEnvironment();
    const beats: unknown[] = [];
    env.on('heartbeat', (details: unknown) => beats.push(details));
    const activity = atRim(async (_input: null, { progress }) => {
      await vi.advanceTimersByTimeAsync(2000);
      progress({ step: 1 });
      progress({ step: 2 });
      await vi.advanceTimersByTimeAsync(4000);
    });
    await env.run(activity, null);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(beats).toEqual([null, { step: 2 }, { step: 2 }]);
  });
});

describe('the rim of a stage', () => {
  const series = /^regraft_run_stage\{[^}]*stage="inspect"[^}]*\} (\d)$/m;

  it('shows the stage while it runs and counts its seconds, also when it fails', async () => {
    const metrics = createMetrics();
    let during: string | undefined;
    const activity = stageAtRim(metrics, 'inspect', async ({ key }: { readonly key: typeof KEY }) => {
      expect(key).toBe(KEY);
      during = series.exec(await metrics.exposition())?.[1];
      throw new RegraftError('INSPECT_REFUSED', 'No.');
    });
    await expect(quietEnvironment().run(activity, { key: KEY })).rejects.toThrow('No.');
    const after = await metrics.exposition();
    expect([during, series.exec(after)?.[1]]).toEqual(['1', '0']);
    expect(after).toMatch(/regraft_run_stage_seconds_count\{[^}]*stage="inspect"[^}]*\} 1$/m);
  });
});
