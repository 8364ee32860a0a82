import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { WeightsError } from '../../errors.ts';
import { GRAIN } from '../../ops/kernel.ts';
import { planElements, type WorkPlan } from '../../plan/work-plan.ts';
import { throwIfAborted } from '../throw-if-aborted.ts';
import { loadKernel, type KernelChoice } from './load-kernel.ts';
import { startThread } from './start-thread.ts';
import type { FileResult } from './stream-file.ts';
import { SharedState, StoppedError, streamFiles, type StreamOrder } from './stream-files.ts';
import type { ThreadAnswer } from './thread.ts';

/** How far long work has come. */
export interface Progress {
  readonly parametersDone: number;
  readonly parametersTotal: number;
  /** The tensor that is being written. */
  readonly tensor: string;
}

/** What long work accepts from its caller. */
export interface WorkOptions {
  /** Called some times a second. */
  readonly onProgress?: (progress: Progress) => void;
  /** Aborting it ends the work with WEIGHTS_ABORTED; the same call later goes on where it stopped. */
  readonly signal?: AbortSignal;
  /** Threads at most; default: one more than there are cores, so that none idles at the end. 0 does the work in the calling thread, a piece at a time. */
  readonly threads?: number;
  /** Elements that a thread works on at a time, rounded down to whole grains of 65,536; default 262,144. */
  readonly pieceElements?: number;
  /** Which arithmetic; both give the same bits. Default 'wasm'. */
  readonly kernel?: KernelChoice;
  /** Hash every file while it is written. Without it an interrupted run begins again. Default true. */
  readonly digests?: boolean;
  /** Measure norms and errors. NaN and infinities are counted in any case. Default true. */
  readonly health?: boolean;
  /** Wait for the disk before the output appears. Default true. */
  readonly durable?: boolean;
}

/** Less than this is done before a thread would have started. */
const WORTH_A_THREAD = 8 << 20;
const PROGRESS_EVERY_MS = 100;

/**
 * Carries a plan out into the folders of its outputs. The results are in the plan's order and depend on nothing but the plan
 * and its inputs. Errors: WEIGHTS_ABORTED, WEIGHTS_ARGUMENT_INVALID, and those of reading and writing.
 */
export async function runPlan(
  plan: WorkPlan,
  places: { readonly folders: readonly string[]; readonly journals: string },
  options: WorkOptions,
): Promise<readonly FileResult[]> {
  assertCounts(options);
  throwIfAborted(options.signal);
  const shared = new SharedState();
  const order: StreamOrder = {
    plan,
    ...places,
    write: { digests: options.digests ?? true, durable: options.durable ?? true },
    health: options.health ?? true,
    kernel: loadKernel(options.kernel ?? 'wasm'),
    pieceElements: options.pieceElements,
    shared: shared.buffer,
  };
  const total = planElements(plan);
  const threads = total * plan.outputs < WORTH_A_THREAD ? 0 : (options.threads ?? defaultThreads());
  const report = (): void => {
    const { tensor, elements } = shared.progress;
    const name = plan.tensors[tensor]?.name ?? '';
    options.onProgress?.({ parametersDone: elements, parametersTotal: total, tensor: name });
  };
  const results =
    threads === 0
      ? await runHere(order, report, options.signal)
      : await runThreads(order, Math.min(threads, plan.files.length), shared, report, options.signal);
  const position = new Map(plan.files.map(({ name }, index) => [name, index]));
  return [...results].sort((a, b) => (position.get(a.name) ?? 0) - (position.get(b.name) ?? 0));
}

/** One more than there are cores, so that none idles while the last files are made. */
export function defaultThreads(): number {
  return availableParallelism() + 1;
}

async function runHere(
  order: StreamOrder,
  report: () => void,
  signal: AbortSignal | undefined,
): Promise<readonly FileResult[]> {
  const stream = streamFiles(order);
  for (;;) {
    const next = stream.next();
    if (next.done === true) return next.value;
    report();
    await setImmediate();
    if (signal?.aborted === true) {
      new SharedState(order.shared).stop();
      endOf(stream);
      throwIfAborted(signal);
    }
  }
}

/** Lets a stopped stream close its files. */
function endOf(stream: Generator<undefined>): void {
  try {
    while (stream.next().done !== true);
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
  }
}

async function runThreads(
  order: StreamOrder,
  threads: number,
  shared: SharedState,
  report: () => void,
  signal: AbortSignal | undefined,
): Promise<readonly FileResult[]> {
  const stop = (): void => {
    shared.stop();
  };
  signal?.addEventListener('abort', stop, { once: true });
  const pulse = setInterval(report, PROGRESS_EVERY_MS);
  try {
    const answers = await Promise.all(
      Array.from({ length: threads }, async () => {
        const answer = await answerOf(await startThread(order));
        if (answer.kind === 'failed') stop(); // the others' work would be for nothing
        return answer;
      }),
    );
    const failed = answers.find((answer) => answer.kind === 'failed');
    if (failed !== undefined) throw toError(failed);
    throwIfAborted(signal);
    report();
    return answers.flatMap((answer) => (answer.kind === 'done' ? answer.files : []));
  } finally {
    clearInterval(pulse);
    signal?.removeEventListener('abort', stop);
  }
}

/** What a thread says; one that dies without a word has failed. */
async function answerOf(worker: Worker): Promise<ThreadAnswer> {
  return await new Promise((resolve) => {
    const failed = (message: string): void => {
      resolve({ kind: 'failed', code: null, message, retryable: false, details: {} });
    };
    worker.once('message', resolve);
    worker.once('error', (error) => {
      failed(error.stack ?? error.message);
    });
    worker.once('exit', (code) => {
      failed(`it ended with code ${String(code)}`);
    });
  });
}

function toError({ code, message, details, retryable }: Extract<ThreadAnswer, { readonly kind: 'failed' }>): Error {
  if (code !== null) return new WeightsError(code, message, details, { retryable });
  return new Error(`An engine thread failed: ${message}`);
}

function assertCounts({ threads, pieceElements }: WorkOptions): void {
  const check = (name: string, value: number | undefined, least: number): void => {
    if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
    const message = `${name}: found ${String(value)}, expected a whole number of at least ${String(least)}; leave it out for the default.`;
    throw new WeightsError('WEIGHTS_ARGUMENT_INVALID', message, { [name]: value });
  };
  check('threads', threads, 0);
  check('pieceElements', pieceElements, GRAIN);
}
