import { existsSync } from 'node:fs';
import path from 'node:path';
import type { WorkOptions } from '../../weights/index.ts';
import { isCodedError } from '../../contracts/error.ts';
import { InterruptedError, type CommandContext } from '../command.ts';
import { interruptible } from './interruptible.ts';
import { withAllProblems } from './problems-error.ts';
import { drawProgress } from './progress-line.ts';
import type { Effort } from './report-text.ts';

/** Where the work goes, and how large it will be. */
export interface EngineWork {
  readonly outs: readonly string[];
  /** Bytes of all outputs for one parameter of the work, for the progress line. */
  readonly bytesPerParameter: number;
}

/** What came of the work, and what it took. */
export interface EngineResult<Report> extends Effort {
  readonly report: Report;
}

/**
 * Does long work of the engine: progress on the terminal, the time it took, and Ctrl-C, which lets the engine stop in good
 * order; a second one ends the process at once. Errors: the engine's, with every problem named; InterruptedError.
 */
export async function runEngine<Report>(
  context: CommandContext,
  { outs, bytesPerParameter }: EngineWork,
  work: (options: Required<Pick<WorkOptions, 'onProgress' | 'signal'>>) => Promise<Report>,
): Promise<EngineResult<Report>> {
  const isContinued = unfinishedOf(outs).length > 0;
  const progress = drawProgress(context.json ? { write: () => true } : process.stderr, bytesPerParameter);
  const startedMs = performance.now();
  try {
    const report = await interruptible(context, progress, (signal) =>
      work({ signal, onProgress: progress.onProgress }),
    );
    return { report, isContinued, seconds: (performance.now() - startedMs) / 1000 };
  } catch (error) {
    if (isCodedError(error) && error.code === 'WEIGHTS_ABORTED') throw interruption(outs);
    throw withAllProblems(error);
  }
}

/** Folders in which an interrupted run has left its work. */
function unfinishedOf(outs: readonly string[]): readonly string[] {
  return outs.map((out) => `${path.resolve(out)}.partial`).filter((folder) => existsSync(folder));
}

function interruption(outs: readonly string[]): InterruptedError {
  const kept = unfinishedOf(outs);
  const message =
    kept.length === 0
      ? 'Stopped before anything was written; the same command begins again.'
      : `Stopped; what is done is kept in ${kept.join(', ')}, and the same command goes on there.`;
  return new InterruptedError('WEIGHTS_ABORTED', message, { details: { kept } });
}
