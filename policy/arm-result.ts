import type { Arm } from '../contracts/lineage-spec.schema.ts';
import type { ArmState } from '../contracts/lineage-state.ts';
import type { RunResult } from '../contracts/run.ts';

/** The result an arm can show: its own, or that of the arm it shared the work with. Null unless it succeeded. */
export function resultOf(arm: Arm, arms: readonly ArmState[]): RunResult | null {
  const own = arms.find((candidate) => candidate.arm === arm);
  const worker = own?.status === 'shared' ? arms.find((candidate) => candidate.arm === own.sharedWith) : own;
  return worker?.status === 'succeeded' ? worker.result : null;
}
