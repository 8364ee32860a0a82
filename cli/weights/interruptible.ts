import type { CommandContext } from '../command.ts';
import { abortable } from './abortable.ts';

/**
 * Does long work that shows its progress: the first Ctrl-C ends the drawing, says so and aborts the work, a second one ends
 * the process at once.
 */
export async function interruptible<Result>(
  { json }: Pick<CommandContext, 'json'>,
  progress: { readonly end: () => void },
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const onAbort = (): void => {
    progress.end();
    if (!json) console.error('Stopping; once more ends it at once.');
  };
  try {
    return await abortable(work, onAbort);
  } finally {
    progress.end();
  }
}
