import type { StartChoice } from '../contracts/choice.schema.ts';
import type { GateDecision } from '../contracts/gate.schema.ts';
import { RUN_STAGES, type RunStage } from '../contracts/run.ts';

/** What a run has behind it, as far as the next stage depends on it. */
export interface RunProgress {
  readonly production: boolean;
  readonly hasSource: boolean;
  /** The spec asks for the connectivity probe. */
  readonly probes: boolean;
  /** What to do is decided by measurement. */
  readonly decides: boolean;
  /** What was decided; null: not yet, or nothing is. */
  readonly choice: StartChoice['kind'] | null;
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

/** When a stage is part of a run; those that are not named always are. */
const APPLIES: Partial<Readonly<Record<RunStage, (progress: RunProgress) => boolean>>> = {
  recycle: ({ hasSource }) => hasSource,
  probe: ({ probes, hasSource }) => probes && hasSource,
  decide: ({ decides }) => decides,
  finetune: ({ choice }) => choice === null || choice === 'finetune',
  difference: ({ choice }) => choice !== 'skip',
  gate: ({ production, choice }) => production && choice !== 'skip',
  publish: ({ gate }) => gate === 'pass',
};

function applies(stage: RunStage, progress: RunProgress): boolean {
  return APPLIES[stage]?.(progress) ?? true;
}
