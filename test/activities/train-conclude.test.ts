import { describe, expect, it } from 'vitest';
import { createTrainActivities } from '../../activities/train.ts';
import type { TrainingOutcome } from '../../contracts/run-record.schema.ts';
import { environment, exit, failureIn, INPUT, leftBehind, log, reach } from '../support/finetune-in-world.ts';
import { TrainingWorld } from '../support/training-world.ts';

function conclude(world: TrainingWorld): Promise<TrainingOutcome> {
  return environment().run(createTrainActivities(world.deps).concludeTraining, INPUT);
}

/** A training that was told to end after step 50, and has saved step 53 for that. */
async function stoppedAt53(): Promise<TrainingWorld> {
  const env = environment();
  const world = await TrainingWorld.create(
    reach(25),
    reach(50),
    () => env.cancel(),
    () => undefined,
    async (at) => {
      await reach(53)(at);
      at.exit(75);
    },
  );
  await failureIn(world, env);
  return world;
}

describe('a training that has gone far enough', () => {
  it('is concluded with what it has saved', async () => {
    const world = await stoppedAt53();
    world.calls.length = 0;
    expect(await conclude(world)).toMatchObject({
      stepsDone: 53,
      checkpoints: [{ step: 25 }, { step: 50 }, { step: 53 }],
      attempts: [{ end: { code: 'TRAINER_STOPPED', lastStep: 53 } }],
    });
    expect(world.calls, 'its trainer has ended').toEqual([]);
  });

  it('answers the same when it is concluded twice', async () => {
    const world = await stoppedAt53();
    const first = await conclude(world);
    expect(await conclude(world)).toEqual(first);
  });

  it('has its trainer stopped first when that is still alive, for its worker was lost on the way', async () => {
    const world = await leftBehind(reach(25), log(26, 27, 28));
    world.play(async (at) => {
      await reach(29)(at);
      at.exit(75);
    });
    expect(await conclude(world)).toMatchObject({ stepsDone: 29, checkpoints: [{ step: 25 }, { step: 29 }] });
    expect(world.calls).toEqual(['stop: checkpoint']);
  });

  it('is refused by code when there is nothing to keep', async () => {
    const world = await leftBehind(log(1, 2));
    world.play(exit(75));
    await expect(conclude(world)).rejects.toMatchObject({ type: 'TRAINING_NOTHING_SAVED', nonRetryable: true });
  });
});
