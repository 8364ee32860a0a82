import type { MockActivityEnvironment } from '@temporalio/testing';
import { createTrainActivities, type FinetuneInput } from '../../activities/train.ts';
import type { TrainingOutcome } from '../../contracts/run-record.schema.ts';
import type { ExitReason } from '../../contracts/training.ts';
import { digestOf, makeSpec } from './lineage-values.ts';
import { quietEnvironment } from './quiet-environment.ts';
import { TrainingWorld, type Tick } from './training-world.ts';

/** A training of 75 steps with three checkpoints. */
export const INPUT: FinetuneInput = {
  key: { lineage: 'tiny-sums', release: 'M2', arm: 'iterative' },
  startModel: digestOf('start'),
  finetune: { ...makeSpec().finetune, steps: 75, saveEvery: 25 },
};

export const environment = (heartbeatDetails?: unknown): MockActivityEnvironment =>
  quietEnvironment({
    workflowExecution: { workflowId: 'lineage/tiny-sums/run/M2/iterative', runId: 'r1' },
    heartbeatDetails,
  });

export function finetuneIn(
  world: TrainingWorld,
  env = environment(),
  input: FinetuneInput = INPUT,
): Promise<TrainingOutcome> {
  return env.run(createTrainActivities(world.deps).finetuneModel, input);
}

export async function failureIn(
  world: TrainingWorld,
  env = environment(),
  input: FinetuneInput = INPUT,
): Promise<unknown> {
  return finetuneIn(world, env, input).then(
    () => 'it did not fail',
    (error: unknown) => error,
  );
}

/** The trainer goes on to a checkpoint. */
export const reach =
  (step: number): Tick =>
  (world) => {
    world.step(step);
    return world.checkpoint(step);
  };
/** The trainer logs steps and does not save. */
export const log =
  (...steps: readonly number[]): Tick =>
  (world) => {
    for (const step of steps) world.step(step);
  };
export const exit =
  (exitCode: number | null, reason: ExitReason | null = null): Tick =>
  (world) =>
    world.exit(exitCode, reason);
export const stepsOf = (world: TrainingWorld): readonly number[] => world.notices.map(({ step }) => step);

/** A training whose worker went away in mid-training, once it has done what the script says. */
export async function leftBehind(...script: readonly Tick[]): Promise<TrainingWorld> {
  const env = environment();
  const world = await TrainingWorld.create(...script, () => env.cancel('WORKER_SHUTDOWN'));
  await failureIn(world, env);
  world.calls.length = 0;
  world.notices.length = 0;
  return world;
}
