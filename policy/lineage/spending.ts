import type { LineageBudget, RunBudget } from '../../contracts/budget.schema.ts';
import { secondsOf } from '../../contracts/duration.ts';
import type { Arm, LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import type { ArmState, LineageState } from '../../contracts/lineage-state.ts';
import type { Spent } from '../../contracts/run.ts';
import { changeArm } from './state.ts';

const NOTHING: Spent = { steps: 0, trainedSeconds: 0, gpuSeconds: 0 };

/** What a training has taken, by its steps and the seconds in which a trainer was launched. */
export function spentOf(launcher: LineageSpec['finetune']['launcher'], steps: number, trainedSeconds: number): Spent {
  const gpus = 'slurm' in launcher ? launcher.slurm.gpus : launcher.local.gpus;
  return { steps, trainedSeconds, gpuSeconds: gpus * trainedSeconds };
}

/** Notes what an arm has taken by now. */
export function noteSpent(state: LineageState, release: string, arm: Arm, spent: Spent): LineageState {
  return changeArm(state, release, arm, (current) => ({ ...current, spent }));
}

/** Counts what the arms of a release took. */
export function addSpent(state: LineageState, arms: readonly ArmState[]): LineageState {
  return count(state, arms, 1);
}

/** Takes back what the arms of a release took: they go on with the same trainings, which count as a whole in the end. */
export function takeBackSpent(state: LineageState, arms: readonly ArmState[]): LineageState {
  return count(state, arms, -1);
}

function count(state: LineageState, arms: readonly ArmState[], sign: 1 | -1): LineageState {
  const taken = arms.flatMap(({ spent }) => spent ?? []);
  if (taken.length === 0) return state;
  const add = (sum: number, one: number): number => Math.max(sum + sign * one, 0);
  const spent = taken.reduce<Spent>(
    (sum, one) => ({
      steps: add(sum.steps, one.steps),
      trainedSeconds: add(sum.trainedSeconds, one.trainedSeconds),
      gpuSeconds: add(sum.gpuSeconds, one.gpuSeconds),
    }),
    state.spent ?? NOTHING,
  );
  return { ...state, spent };
}

/** The limit that a lineage has reached, in words; null: none. */
export function spentUp(spent: Spent | undefined, budget: LineageBudget | undefined): string | null {
  if (budget === undefined) return null;
  return reached(spent ?? NOTHING, budget);
}

/** The limit that a run has reached, in words; null: none. Its wall time has a clock of its own. */
export function runSpentUp(spent: Spent, budget: RunBudget | undefined): string | null {
  return budget === undefined ? null : reached(spent, { gpuHours: budget.gpuHours });
}

function reached(
  spent: Spent,
  limits: { readonly [Limit in 'steps' | 'gpuHours' | 'wallTime']?: LineageBudget[Limit] | undefined },
): string | null {
  const { steps, gpuHours, wallTime } = limits;
  if (steps !== undefined && spent.steps >= steps) return `${String(spent.steps)} of ${String(steps)} steps`;
  const hours = spent.gpuSeconds / 3600;
  if (gpuHours !== undefined && hours >= gpuHours) return `${hours.toFixed(2)} of ${String(gpuHours)} GPU-hours`;
  if (wallTime !== undefined && spent.trainedSeconds >= secondsOf(wallTime))
    return `${(spent.trainedSeconds / 3600).toFixed(2)} h of ${wallTime} of training`;
  return null;
}
