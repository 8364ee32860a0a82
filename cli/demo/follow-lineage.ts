import { setTimeout } from 'node:timers/promises';
import { isCodedError } from '../../contracts/error.ts';
import type { LineageState } from '../../contracts/lineage-state.ts';
import type { CommandContext } from '../command.ts';
import { withLineages } from '../with-lineages.ts';
import { describeChanges } from './describe-changes.ts';
import type { Progress } from './progress.ts';
import { progressLine } from './training-progress.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Tells what a lineage does until all of these releases are concluded. While Temporal or the worker is being started
 * again it waits for them.
 */
export async function followLineage(
  context: Pick<CommandContext, 'home' | 'environment'>,
  lineage: { readonly name: string; readonly releases: readonly string[]; readonly metricsUrl: string },
  progress: Progress,
  signal: AbortSignal,
): Promise<LineageState> {
  let before: LineageState | null = null;
  for (;;) {
    const state = await lookOrNull(context, lineage.name);
    if (state !== null) {
      for (const line of describeChanges(before, state)) progress.event(line);
      before = state;
      if (lineage.releases.every((name) => isConcluded(state, name))) return state;
      progress.now(progressLine(state, await metricsOf(lineage.metricsUrl)));
    }
    await setTimeout(LOOK_EVERY_MS, undefined, { signal });
  }
}

/** The state; null while nobody answers, which a restart mends. */
async function lookOrNull(
  context: Pick<CommandContext, 'home' | 'environment'>,
  name: string,
): Promise<LineageState | null> {
  try {
    return await withLineages(context, (lineages) => lineages.state(name));
  } catch (error) {
    if (isCodedError(error) && error.retryable) return null;
    throw error;
  }
}

function isConcluded(state: LineageState, name: string): boolean {
  return state.releases.some(({ release, concludedAt }) => release.name === name && concludedAt !== null);
}

/** The metrics page; empty while the worker is being started again: progress is shown, never decided by it. */
async function metricsOf(url: string): Promise<string> {
  try {
    return await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(LOOK_EVERY_MS) })).text();
  } catch {
    return '';
  }
}
