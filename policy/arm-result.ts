import type { Arm } from '../contracts/lineage-spec.schema.ts';
import type { ArmState } from '../contracts/lineage-state.ts';
import type { RunResult } from '../contracts/run.ts';

/** The result an arm can show: its own, or that of the arm it shared the work with. Null unless it succeeded. */
export function resultOf(arm: Arm, arms: readonly ArmState[]): RunResult | null {
  const worker = workerOf(arm, arms);
  return worker?.status === 'succeeded' ? worker.result : null;
}

/** As {@link resultOf}, where only the Δ matters: that of an arm which a newer release made end early counts too. */
export function deltaResultOf(arm: Arm, arms: readonly ArmState[]): RunResult | null {
  const worker = workerOf(arm, arms);
  return worker?.status === 'succeeded' || worker?.status === 'superseded' ? worker.result : null;
}

/** Whoever did an arm's work. */
function workerOf(arm: Arm, arms: readonly ArmState[]): ArmState | undefined {
  const own = arms.find((candidate) => candidate.arm === arm);
  return own?.status === 'shared' ? arms.find((candidate) => candidate.arm === own.sharedWith) : own;
}
