import { SHARE_ENV, Worker } from 'node:worker_threads';
import { InferenceError } from '../errors.ts';
import type { CallFeeds } from '../graph/call-writer.ts';
import type { BatchOutput } from '../scoring/result-collector.ts';

/** The model that a thread is to open. */
export interface RuntimeModel {
  /** An ONNX ModelProto. */
  readonly model: Uint8Array;
  /** The folder that locations of external tensors are relative to. */
  readonly root: string;
  readonly threads: number;
  /** Whether weights are copied into the order that is quickest to multiply. */
  readonly isPrepacked: boolean;
  readonly layout: CacheLayout;
}

/** What the key–value cache of a model looks like. */
export interface CacheLayout {
  /** Layer after layer, keys before values. */
  readonly names: readonly { readonly past: string; readonly added: string }[];
  readonly heads: number;
  readonly headSize: number;
}

/** The part of a cache that a call reads and adds to: rows of [heads, room, headSize]. */
export interface CacheUse {
  /** Null: nothing was read before, and nothing is kept. */
  readonly id: number | null;
  readonly firstRow: number;
  readonly rows: number;
  /** Most tokens that a row is going to hold; the cache grows up to it. */
  readonly room: number;
  /** Rows of the whole cache, which is made at its first call. */
  readonly allRows: number;
  /** [rows], tokens of each row that are in the cache before the call; not 0 only where `id` is given. */
  readonly starts: readonly number[];
  /** [rows], tokens that the call adds to each row. */
  readonly lengths: ArrayLike<number>;
}

/** One call of the graph. */
export interface RuntimeCall extends CallFeeds {
  readonly cache: CacheUse;
}

/** The first message but for `close`. */
export type OpenMessage = RuntimeModel & { readonly kind: 'open' };
export type RunMessage = RuntimeCall & { readonly kind: 'run' };

/** Only `open` and `run` are answered; the others are done in their turn. */
export type ThreadMessage =
  | OpenMessage
  | RunMessage
  /** Copies the first tokens of one row of a cache over another row. */
  | { readonly kind: 'move'; readonly id: number; readonly from: number; readonly to: number; readonly tokens: number }
  | { readonly kind: 'drop'; readonly id: number }
  | { readonly kind: 'close' };

/** The thread answers every `open` and `run` with one of these, in order. */
type Answer =
  ({ readonly kind: 'done' } & Partial<BatchOutput>) | { readonly kind: 'failed'; readonly message: string };

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: InferenceError) => void;
}

/** A thread for one onnxruntime session. Calls are queued; one that finds the thread gone rejects. */
export class RuntimeThread {
  readonly #worker: Worker;
  readonly #subject: string;
  readonly #waiting: Waiting[] = [];
  #ended: Error | null = null;
  #isClosed = false;
  #closing: Promise<void> | null = null;

  /** Takes over a started worker that speaks this protocol; `subject` is what messages call the model. */
  constructor(worker: Worker, subject: string) {
    this.#worker = worker;
    this.#subject = subject;
    worker.on('message', (answer: Answer) => this.#waiting.shift()?.resolve(answer));
    worker.on('messageerror', (error) => this.#end(error));
    worker.on('error', (error) => this.#end(error));
    worker.on('exit', (code) => this.#end(new Error(`it ended with code ${code}`)));
  }

  /**
   * Starts a thread, which loads onnxruntime while its caller goes on; close it in any case. From then on this process has
   * ORT_DISABLE_TELEMETRY set: onnxruntime 1.30 reports to its maker otherwise.
   */
  static start(subject: string): RuntimeThread {
    const worker = new Worker(new URL('./runtime-thread.mjs', import.meta.url), {
      env: SHARE_ENV, // onnxruntime looks at the process's own environment, not at a thread's copy
      execArgv: [], // it is plain JavaScript: the hooks of its parent would only make it slower to start
    });
    return new RuntimeThread(worker, subject);
  }

  /**
   * Opens a session; called once, before anything else. Errors: INFERENCE_RUNTIME_FAILED when onnxruntime refuses the graph or
   * its files, INFERENCE_WORKER_DIED.
   */
  async open(model: RuntimeModel): Promise<void> {
    await this.#answer({ kind: 'open', ...model });
  }

  /** Runs the graph once. Errors: INFERENCE_RUNTIME_FAILED, INFERENCE_WORKER_DIED, INFERENCE_CLOSED. */
  async run(call: RuntimeCall): Promise<BatchOutput> {
    const { logProbabilities, likeliest } = await this.#answer({ kind: 'run', ...call });
    if (logProbabilities instanceof Float32Array && likeliest instanceof Int32Array) {
      return { logProbabilities, likeliest };
    }
    throw this.#failed('the graph returned outputs of other types than it declares');
  }

  /** Changes or drops a cache between calls; nothing where the thread is gone, and its caches with it. */
  edit(message: Extract<ThreadMessage, { readonly kind: 'move' | 'drop' }>): void {
    if (this.#ended === null && !this.#isClosed) this.#worker.postMessage(message);
  }

  /** Releases the session and waits for the thread's end; calls still waiting reject with INFERENCE_CLOSED. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#ended !== null) return;
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.postMessage({ kind: 'close' });
    this.#rejectAll();
    await exited;
  }

  async #answer(message: OpenMessage | RunMessage): Promise<Extract<Answer, { readonly kind: 'done' }>> {
    if (this.#ended !== null || this.#isClosed) throw this.#gone();
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#worker.postMessage(message);
      this.#waiting.push({ resolve, reject });
    });
    if (answer.kind === 'failed') throw this.#failed(answer.message);
    return answer;
  }

  #end(why: Error): void {
    this.#ended ??= why;
    this.#rejectAll();
  }

  #rejectAll(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(this.#gone());
  }

  #gone(): InferenceError {
    if (this.#isClosed) {
      const message = `${this.#subject} was closed; open it again.`;
      return new InferenceError('INFERENCE_CLOSED', message, { subject: this.#subject });
    }
    return new InferenceError(
      'INFERENCE_WORKER_DIED',
      `${this.#subject}: its thread ended before it answered: ${this.#ended?.message ?? 'for no known reason'}; open the model again.`,
      { subject: this.#subject },
      { retryable: true, cause: this.#ended },
    );
  }

  #failed(what: string): InferenceError {
    const message = `${this.#subject}: onnxruntime refused: ${what}; check that the model's files are complete and that there is memory.`;
    return new InferenceError('INFERENCE_RUNTIME_FAILED', message, { subject: this.#subject });
  }
}
