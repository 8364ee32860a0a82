import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { isCodedError, messageOf } from '../contracts/error.ts';
import type { RunKey, RunStage } from '../contracts/run.ts';
import type { Metrics } from '../metrics/registry.ts';

/** How often the worker says that an activity is alive; the SDK throttles what goes to the server. */
const HEARTBEAT_EVERY_MS = 2_000;

/** What an activity's work may use of Temporal, captured once: `Context.current()` does not work in abort listeners. */
export interface ActivityScope {
  readonly signal: AbortSignal;
  readonly workflowId: string;
  readonly runId: string;
  /** What the try before this one showed with its last heartbeat; undefined for the first. */
  readonly lastProgress: unknown;
  /** Shown with the next heartbeat. */
  readonly progress: (details: unknown) => void;
  /** Why the signal fired: the worker is going away, or somebody wants the work to end. */
  readonly stopReason: () => 'none' | 'worker-shutdown' | 'cancelled';
}

/**
 * The one rim around every activity: heartbeats while the work is alive, turns coded errors into failures whose type is
 * the code, and rethrows the SDK's own reason when the activity was cancelled, paused or reset (an AbortError that
 * leaves an activity would be misreported).
 */
export function atRim<Input, Output>(
  work: (input: Input, scope: ActivityScope) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    const context = Context.current();
    const signal = context.cancellationSignal;
    let details: unknown = null;
    const pulse = setInterval(() => {
      context.heartbeat(details);
    }, HEARTBEAT_EVERY_MS);
    try {
      const execution = context.info.workflowExecution;
      return await work(input, {
        signal,
        workflowId: execution?.workflowId ?? '',
        runId: execution?.runId ?? '',
        lastProgress: context.info.heartbeatDetails as unknown,
        progress: (next) => {
          details = next;
        },
        stopReason: () => stopReasonOf(signal),
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toFailure(error);
    } finally {
      clearInterval(pulse);
    }
  };
}

/** As {@link atRim}, for the stages of a run: counts the stage's seconds and shows it as the current one. */
export function stageAtRim<Input extends { readonly key: RunKey }, Output>(
  metrics: Metrics,
  stage: RunStage,
  work: (input: Input, scope: ActivityScope) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return atRim(async (input, scope) => {
    const { lineage, release, arm } = input.key;
    const started = performance.now();
    metrics.touch({ lineage, release });
    metrics.runStage.set({ lineage, release, arm, stage }, 1);
    try {
      return await work(input, scope);
    } finally {
      metrics.runStage.set({ lineage, release, arm, stage }, 0);
      metrics.runStageSeconds.observe({ lineage, arm, stage }, (performance.now() - started) / 1000);
    }
  });
}

/** A delay of 0 would mean none of our own. */
function retryDelayOf(error: Error): { readonly nextRetryDelay?: number } {
  if (!('retryAfterMs' in error) || typeof error.retryAfterMs !== 'number') return {};
  return { nextRetryDelay: Math.max(error.retryAfterMs, 1) };
}

function stopReasonOf(signal: AbortSignal): 'none' | 'worker-shutdown' | 'cancelled' {
  if (!signal.aborted) return 'none';
  const reason: unknown = signal.reason;
  return reason instanceof CancelledFailure && reason.message === 'WORKER_SHUTDOWN' ? 'worker-shutdown' : 'cancelled';
}

/** Anything thrown, as Temporal's failure: coded errors keep their code, others are taken for passing trouble. */
export function toFailure(error: unknown): Error {
  if (!isCodedError(error)) {
    return error instanceof Error ? error : ApplicationFailure.create({ message: messageOf(error), type: 'UNKNOWN' });
  }
  return ApplicationFailure.create({
    type: error.code,
    message: error.message,
    nonRetryable: !error.retryable,
    details: [error.details],
    ...retryDelayOf(error),
  });
}
