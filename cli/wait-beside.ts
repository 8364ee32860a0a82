import { InterruptedError } from './command.ts';
import { abortable } from './weights/abortable.ts';

/**
 * Waits for what was ordered and is done elsewhere: the first Ctrl-C ends the waiting alone, a second one the process.
 * @throws InterruptedError INTERRUPTED
 */
export async function waitBeside<Answer>(what: string, work: () => Promise<Answer>): Promise<Answer> {
  return abortable(
    (signal) => Promise.race([work(), endOfWaiting(what, signal)]),
    () => undefined,
  );
}

/** What a person is told who may not want to wait so long. */
export function waitingText(what: string): string {
  return `Ctrl-C ends the waiting alone: ${what} goes on, and the same command waits for it again.`;
}

function endOfWaiting(what: string, signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      const message = `Stopped waiting: ${what} goes on, and the same command waits for it again.`;
      reject(new InterruptedError('INTERRUPTED', message));
    });
  });
}
