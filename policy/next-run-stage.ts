import type { StartChoice } from '../contracts/choice.schema.ts';
import type { ApprovalDecision, GateDecision } from '../contracts/gate.schema.ts';
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
  /** Nothing is trained where there is a Δ to add. */
  readonly transferOnly: boolean;
  /** A person has to approve. */
  readonly asks: boolean;
  readonly approval: ApprovalDecision['decision'] | null;
  /** Something newer is live: nothing of this run goes live. */
  readonly withheld: boolean;
  /** A newer release made it end early. */
  readonly superseded: boolean;
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
  finetune: (progress) => !onlyTransfers(progress) && (progress.choice === null || progress.choice === 'finetune'),
  difference: (progress) => !onlyTransfers(progress) && progress.choice !== 'skip',
  gate: ({ production, choice, superseded }) => production && choice !== 'skip' && !superseded,
  approval: ({ gate, asks, withheld }) => gate === 'pass' && asks && !withheld,
  publish: ({ gate, asks, approval, withheld }) => gate === 'pass' && !withheld && (!asks || approval === 'approved'),
};

function onlyTransfers({ transferOnly, hasSource }: RunProgress): boolean {
  return transferOnly && hasSource;
}

function applies(stage: RunStage, progress: RunProgress): boolean {
  return APPLIES[stage]?.(progress) ?? true;
}
