import path from 'node:path';
import { ABANDONED_AFTER_MS, sweepUnfinished } from '../adapters/store/sweep-unfinished.ts';
import { messageOf, RegraftError } from '../contracts/error.ts';
import type { WorkerSettings } from './settings.ts';

/**
 * Removes what killed processes left unfinished in the store and in this home a day ago, beside the work: a store may have
 * many files, and nothing waits for their sweep. Failing costs nothing but disk, so it is told to `warn` (SWEEP_FAILED) and
 * the next worker tries again. Returns how to stop it.
 */
export function startSweep(
  { home, store }: Pick<WorkerSettings, 'home' | 'store'>,
  warn: (line: string) => void,
): () => Promise<void> {
  const stopping = new AbortController();
  const swept = Promise.all([store, path.join(home, 'work')].map((folder) => sweep(folder, stopping.signal, warn)));
  return async () => {
    stopping.abort();
    await swept;
  };
}

async function sweep(folder: string, signal: AbortSignal, warn: (line: string) => void): Promise<void> {
  try {
    await sweepUnfinished(folder, ABANDONED_AFTER_MS, Date.now(), signal);
  } catch (error) {
    if (signal.aborted) return;
    const { code, message } = sweepFailed(folder, error);
    warn(`${message} [${code}]`);
  }
}

function sweepFailed(folder: string, cause: unknown): RegraftError {
  const message = `Half-written files of killed processes in ${folder} cannot be removed (${messageOf(cause)}); they cost disk and nothing else, and the next worker tries again.`;
  return new RegraftError('SWEEP_FAILED', message, { cause });
}
