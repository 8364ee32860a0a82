import type { Attempt } from '../contracts/training-ledger.schema.ts';
import { classOfCode, LOST, STOPPED, type EndClass } from './trainer-exit.ts';

/** What a training may spend on trouble. */
export interface Patience {
  /** Global batch, in samples. */
  readonly batchSize: number;
  /** Samples at a time that the spec asks for. */
  readonly microBatchSize: number;
  /** Attempts in a row that may end without a new checkpoint. */
  readonly giveUpAfter: number;
}

export type NextAttempt =
  | {
      readonly kind: 'begin';
      /** Wait before it, milliseconds. */
      readonly afterMs: number;
      readonly microBatchSize: number;
      /** Only checkpoints before this step may be resumed from; null: the newest. */
      readonly beforeStep: number | null;
    }
  /** `why` goes on from "Training … ended …". */
  | { readonly kind: 'give-up'; readonly code: string; readonly why: string };

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 300_000;

/**
 * Whether a training is tried again, how soon and how, from the attempts of this chance (oldest first, all ended):
 *
 * | the last one              | next                                                                             |
 * | ------------------------- | -------------------------------------------------------------------------------- |
 * | –, stopped by its run     | at once                                                                          |
 * | refused its job or data   | never                                                                            |
 * | out of memory             | at once, with the next smaller divisor of the batch at a time; never below 1     |
 * | diverged                  | once from the checkpoint before the newest; the second time never                |
 * | preempted with progress   | at once                                                                          |
 * | anything else             | after 1 s, 2 s, 4 s … at most 5 min                                              |
 *
 * and never when `giveUpAfter` attempts in a row brought no new checkpoint. Attempts that ran out of memory or diverged
 * have an end of their own, and those that the run itself stopped are no failures: none of them counts.
 */
export function nextAttempt(
  attempts: readonly Attempt[],
  newestCheckpoint: number | null,
  patience: Patience,
): NextAttempt {
  const last = attempts.at(-1);
  const code = last === undefined ? STOPPED.code : codeOf(last);
  const microBatchSize = last?.microBatchSize ?? patience.microBatchSize;
  return RULES[classOfCode(code)]({
    ...{ attempts, newestCheckpoint, patience, code: code ?? '' },
    begin: { kind: 'begin', afterMs: 0, microBatchSize, beforeStep: null },
  });
}

interface Situation {
  readonly attempts: readonly Attempt[];
  readonly newestCheckpoint: number | null;
  readonly patience: Patience;
  /** Of the last attempt's end. */
  readonly code: string;
  /** At once, as before. */
  readonly begin: Extract<NextAttempt, { readonly kind: 'begin' }>;
}

const RULES: Readonly<Record<EndClass, (situation: Situation) => NextAttempt>> = {
  done: ({ begin }) => begin,
  stopped: ({ begin }) => begin,
  refused: ({ code }) => ({ kind: 'give-up', code, why: 'the same again would end the same way' }),
  'out-of-memory': ({ begin, code, patience }) => {
    const smaller = nextDivisor(patience.batchSize, begin.microBatchSize);
    if (smaller !== null) return { ...begin, microBatchSize: smaller };
    return { kind: 'give-up', code, why: 'it had one sample at a time; shorten maxLength or take a larger device' };
  },
  diverged: ({ begin, code, attempts, newestCheckpoint }) => {
    const times = attempts.filter((attempt) => classOfCode(codeOf(attempt)) === 'diverged').length;
    if (times === 1) return { ...begin, beforeStep: newestCheckpoint };
    return { kind: 'give-up', code, why: 'an earlier checkpoint did not help; lower the learning rate' };
  },
  preempted: (situation) => again(situation, fruitlessInARow(situation.attempts)),
  infrastructure: (situation) => again(situation, Math.max(fruitlessInARow(situation.attempts), 1)),
};

function again({ begin, attempts, patience }: Situation, waits: number): NextAttempt {
  const inARow = fruitlessInARow(attempts);
  if (inARow < patience.giveUpAfter) return { ...begin, afterMs: waitMs(waits) };
  const why = `it was the last of ${String(inARow)} attempts in a row without a new checkpoint`;
  return { kind: 'give-up', code: 'TRAINER_NO_PROGRESS', why };
}

/** Attempts at the end of the list that brought no checkpoint further than any before. */
function fruitlessInARow(attempts: readonly Attempt[]): number {
  let count = 0;
  for (const attempt of [...attempts].reverse()) {
    if (attempt.broughtCheckpoint) break;
    const kind = classOfCode(codeOf(attempt));
    if (kind === 'preempted' || kind === 'infrastructure') count += 1;
  }
  return count;
}

function codeOf(attempt: Attempt): string | null {
  return attempt.end === null ? LOST.code : attempt.end.code;
}

function waitMs(waits: number): number {
  return waits <= 0 ? 0 : Math.min(FIRST_WAIT_MS * 2 ** (waits - 1), LONGEST_WAIT_MS);
}

/** The largest divisor of the batch that is at most half of what was tried; null when that was 1. */
function nextDivisor(batchSize: number, tried: number): number | null {
  for (let size = Math.floor(tried / 2); size >= 1; size -= 1) if (batchSize % size === 0) return size;
  return null;
}
