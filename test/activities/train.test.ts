import { CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { environment, exit, failureIn, finetuneIn, INPUT, reach, stepsOf } from '../support/finetune-in-world.ts';
import { digestOf } from '../support/lineage-values.ts';
import { TrainingWorld } from '../support/training-world.ts';

describe('a training', () => {
  it('starts from zero when there is nothing, and is announced checkpoint by checkpoint, in order', async () => {
    const world = await TrainingWorld.create(reach(25), reach(50), reach(75), exit(0));
    const outcome = await finetuneIn(world);
    expect(world.calls).toEqual(['start from zero']);
    expect(stepsOf(world)).toEqual([25, 50, 75]);
    expect(new Set(world.noticesTo)).toEqual(new Set(['lineage/tiny-sums/run/M2/iterative r1']));
    expect(outcome).toMatchObject({
      starts: [{ how: 'started', atStep: 0 }],
      stepsDone: 75,
      checkpoints: world.notices.map(({ step, modelDigest }) => ({ step, modelDigest })),
      datasetDigest: digestOf(INPUT.finetune.dataset),
    });
    expect(new Set(outcome.checkpoints.map(({ modelDigest }) => modelDigest)).size).toBe(3);
    const seconds = [...world.notices, outcome].map(({ trainedSeconds }) => trainedSeconds);
    expect(seconds).toEqual([...seconds].sort((left, right) => left - right));
    expect(outcome.trainedSeconds).toBeGreaterThan(0);
  });

  it('keeps its checkpoints in the store with where they came from', async () => {
    const world = await TrainingWorld.create(reach(25), reach(50), reach(75), exit(0));
    await finetuneIn(world);
    expect([...world.store.manifests.values()].map(({ provenance }) => provenance)).toEqual(
      [25, 50, 75].map((step) => ({
        kind: 'checkpoint',
        run: 'tiny-sums/M2/iterative',
        start: digestOf('start'),
        step,
      })),
    );
  });

  it('tells the trainer the start model, where to begin and how much to take at a time', async () => {
    const world = await TrainingWorld.create(reach(75), exit(0));
    await finetuneIn(world);
    const model = `/store/${digestOf('start')}`;
    expect(world.jobs).toEqual([{ attempt: 1, model, resumeFrom: null, microBatchSize: INPUT.finetune.batchSize }]);
  });

  it('announces all of several checkpoints that appeared between two looks', async () => {
    const world = await TrainingWorld.create(async (at) => {
      for (const step of [25, 50, 75]) await at.checkpoint(step);
      at.exit(0);
    });
    await finetuneIn(world);
    expect(stepsOf(world)).toEqual([25, 50, 75]);
  });

  it('is complete with its last checkpoint, whatever the trainer’s exit code', async () => {
    const world = await TrainingWorld.create(reach(75), exit(75));
    expect((await finetuneIn(world)).stepsDone).toBe(75);
  });
});

describe('full states', () => {
  it('are kept of the newest two checkpoints while it trains, and of the last one when it is done', async () => {
    const world = await TrainingWorld.create();
    world.play(
      reach(10),
      reach(20),
      reach(30),
      () => undefined,
      (at) => {
        expect(at.folderSteps).toEqual([20, 30]);
        return reach(75)(at);
      },
      exit(0),
    );
    const outcome = await finetuneIn(world);
    expect(world.folderSteps).toEqual([75]);
    expect([...world.states.values()].map(({ step }) => step)).toEqual([75]);
    expect(outcome.checkpoints.map(({ step }) => step)).toEqual([10, 20, 30, 75]);
  });
});

describe('a training that is left', () => {
  it('leaves its trainer running when the worker shuts down', async () => {
    const env = environment();
    const world = await TrainingWorld.create(reach(25), () => env.cancel('WORKER_SHUTDOWN'));
    const failure = await failureIn(world, env);
    expect(failure).toBeInstanceOf(CancelledFailure);
    expect((failure as Error).message).toBe('WORKER_SHUTDOWN');
    expect([world.calls, world.trainer.kind]).toEqual([['start from zero'], 'running']);
  });

  it('asks its trainer for a checkpoint when it is cancelled, and takes it in', async () => {
    const env = environment();
    const world = await TrainingWorld.create(
      reach(25),
      () => env.cancel(),
      () => undefined,
      async (at) => {
        await reach(31)(at);
        at.exit(75);
      },
    );
    const failure = await failureIn(world, env);
    expect(failure).toBeInstanceOf(CancelledFailure);
    expect((failure as Error).message).toBe('CANCELLED');
    expect(world.calls).toEqual(['start from zero', 'stop: checkpoint']);
    expect(stepsOf(world)).toEqual([25, 31]);
    expect(world.ledger.attempts).toMatchObject([{ end: { code: 'TRAINER_STOPPED', lastStep: 31 } }]);
  });

  it('kills a trainer that does not end within two minutes', async () => {
    const env = environment();
    const world = await TrainingWorld.create(() => env.cancel());
    expect(await failureIn(world, env)).toBeInstanceOf(CancelledFailure);
    expect(world.calls).toEqual(['start from zero', 'stop: checkpoint', 'stop: kill']);
    expect(world.sleptMs).toBe(120_250);
  });

  it('does not stop its trainer when it fails for another reason', async () => {
    const world = await TrainingWorld.create(reach(25));
    world.store.putFolder = () => Promise.reject(new Error('disk full'));
    expect(await failureIn(world)).toMatchObject({ message: 'disk full' });
    expect(world.calls).toEqual(['start from zero']);
  });
});
