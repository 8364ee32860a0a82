import { RUN_STAGES, type RunStage } from '../contracts/run.ts';
import type { GateDecision } from '../contracts/run-record.schema.ts';

/** What a run has behind it, as far as the next stage depends on it. */
export interface RunProgress {
  readonly production: boolean;
  readonly hasSource: boolean;
  readonly done: readonly RunStage[];
  readonly gate: GateDecision['decision'] | null;
}

/**
 * The stage that a run does next, or null when it is finished. A rejected candidate is recorded, never published; its Δ
 * stays usable: a bad score never forbids using a model as a starting point (paper, Tables 3 and 4).
 */
export function nextRunStage(progress: RunProgress): RunStage | null {
  return RUN_STAGES.find((stage) => applies(stage, progress) && !progress.done.includes(stage)) ?? null;
}

function applies(stage: RunStage, progress: RunProgress): boolean {
  switch (stage) {
    case 'recycle':
      return progress.hasSource;
    case 'gate':
      return progress.production;
    case 'publish':
      return progress.gate === 'pass';
    case 'inspect':
    case 'baseline':
    case 'finetune':
    case 'difference':
    case 'record':
      return true;
  }
}
