import { setTimeout } from 'node:timers/promises';
import { messageOf } from '../contracts/error.ts';

/** Pauses before a start, one after the other while what is started does not last; the last one is used from then on. */
const PAUSES_MS = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000];
/** What ran this long had started well: the pauses begin anew. */
const STEADY_AFTER_MS = 60_000;

/** Something that runs until it ends by itself or is stopped. */
export interface Running {
  /** Settles with one sentence about how it ended. Never rejects. */
  readonly ended: Promise<string>;
  /** Ends it and waits until it has ended; nothing to do when it has already. */
  stop(): Promise<void>;
}

export interface KeepUpOptions<Thing extends Running> {
  /** Starts one. When the signal is aborted it rejects, and leaves nothing running. */
  readonly start: (signal: AbortSignal) => Promise<Thing>;
  readonly say: (line: string) => void;
  readonly pausesMs?: readonly number[];
  readonly steadyAfterMs?: number;
}

/**
 * Starts something, and starts it again whenever it ends, until it is told to stop: it never gives up, each failure is
 * said, and the pauses grow. Only the first start's failure goes to the caller.
 */
export async function keepUp<Thing extends Running>(options: KeepUpOptions<Thing>): Promise<KeptUp<Thing>> {
  const stopping = new AbortController();
  return new KeptUp(options, stopping, await options.start(stopping.signal));
}

/** What is kept up. */
export class KeptUp<Thing extends Running> {
  readonly #options: KeepUpOptions<Thing>;
  readonly #stopping: AbortController;
  readonly #over: Promise<void>;
  #current: Thing;
  #startedMs = performance.now();
  /** Starts since one of them lasted. */
  #starts = 0;

  constructor(options: KeepUpOptions<Thing>, stopping: AbortController, first: Thing) {
    this.#options = options;
    this.#stopping = stopping;
    this.#current = first;
    this.#over = this.#guard();
  }

  /** The one that runs, or the last that did. */
  get current(): Thing {
    return this.#current;
  }

  /** Ends it for good, a start that is under way included. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#over;
  }

  async #guard(): Promise<void> {
    const { signal } = this.#stopping;
    const told = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve(null);
      });
    });
    for (;;) {
      const how = await Promise.race([this.#current.ended, told]);
      if (how === null) return this.#current.stop();
      if (!(await this.#startAnother(how))) return;
    }
  }

  /** Tries until one has started; false when told to stop. */
  async #startAnother(how: string): Promise<boolean> {
    const { start, say, steadyAfterMs = STEADY_AFTER_MS } = this.#options;
    const { signal } = this.#stopping;
    if (performance.now() - this.#startedMs >= steadyAfterMs) this.#starts = 0;
    let why = how;
    for (;;) {
      const pauseMs = this.#nextPauseMs();
      say(`${why} Starting again in ${String(pauseMs / 1000)} s.`);
      try {
        await setTimeout(pauseMs, undefined, { signal });
        this.#current = await start(signal);
        this.#startedMs = performance.now();
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        why = messageOf(error);
      }
    }
  }

  #nextPauseMs(): number {
    const { pausesMs = PAUSES_MS } = this.#options;
    this.#starts += 1;
    return pausesMs[Math.min(this.#starts, pausesMs.length) - 1] ?? 0;
  }
}
