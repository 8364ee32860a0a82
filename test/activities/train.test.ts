import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { createTrainActivities, type FinetuneInput } from '../../activities/train.ts';
import type { TrainingOutcome } from '../../contracts/run-record.schema.ts';
import { digestOf, makeSpec } from '../support/lineage-values.ts';
import { quietEnvironment } from '../support/quiet-environment.ts';
import { TrainingWorld, type Tick } from '../support/training-world.ts';

const { finetune } = makeSpec();
const INPUT: FinetuneInput = {
  key: { lineage: 'tiny-sums', release: 'M2', arm: 'iterative' },
  startModel: digestOf('start'),
  finetune: { ...finetune, steps: 75, saveEvery: 25 },
};

const environment = (): MockActivityEnvironment =>
  quietEnvironment({ workflowExecution: { workflowId: 'lineage/tiny-sums/run/M2/iterative', runId: 'r1' } });

function finetuneIn(world: TrainingWorld, env = environment()): Promise<TrainingOutcome> {
  return env.run(createTrainActivities(world.deps).finetuneModel, INPUT);
}

async function failureIn(world: TrainingWorld, env = environment()): Promise<unknown> {
  return finetuneIn(world, env).then(
    () => 'it did not fail',
    (error: unknown) => error,
  );
}

/** The trainer goes on to a checkpoint. */
const reach =
  (step: number, attempt = 1): Tick =>
  (world) => {
    world.step(step, attempt);
    return world.checkpoint(step);
  };
const exit =
  (exitCode: number | null): Tick =>
  (world) =>
    world.exit(exitCode);
const stepsOf = (world: TrainingWorld): readonly number[] => world.notices.map(({ step }) => step);

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
      checkpoints: world.notices,
      datasetDigest: digestOf(finetune.dataset),
    });
    expect(new Set(outcome.checkpoints.map(({ modelDigest }) => modelDigest)).size).toBe(3);
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

  it('hands the trainer the start model and the whole recipe', async () => {
    const world = await TrainingWorld.create(reach(75), exit(0));
    await finetuneIn(world);
    const { trainer, dataset, ...recipe } = INPUT.finetune;
    expect(world.jobs).toEqual([
      { model: `/store/${digestOf('start')}`, dataset, resumeFrom: null, recipe: { method: trainer, ...recipe } },
    ]);
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

describe('a training that somebody began before', () => {
  it('adopts the trainer that runs, announces what it finds, and starts nothing', async () => {
    const world = await TrainingWorld.create(reach(75), exit(0));
    world.trainer = { kind: 'running' };
    await world.checkpoint(25);
    await world.checkpoint(50);
    const outcome = await finetuneIn(world);
    expect(world.calls).toEqual([]);
    expect(outcome.starts).toEqual([{ how: 'adopted', atStep: 50 }]);
    expect(stepsOf(world)).toEqual([25, 50, 75]);
  });

  it('resumes from the newest checkpoint that verifies, past a damaged newer one', async () => {
    const world = await TrainingWorld.create(reach(50, 2), reach(75, 2), exit(0));
    world.exit(null);
    await world.checkpoint(25);
    await world.checkpoint(50, false);
    const outcome = await finetuneIn(world);
    expect(world.calls).toEqual(['start from checkpoints/checkpoint-25']);
    expect(outcome.starts).toEqual([{ how: 'resumed', atStep: 25 }]);
    expect(stepsOf(world)).toEqual([25, 50, 75]);
  });

  it('starts from zero when no checkpoint verifies', async () => {
    const world = await TrainingWorld.create(reach(75, 2), exit(0));
    world.exit(1);
    await world.checkpoint(25, false);
    expect((await finetuneIn(world)).starts).toEqual([{ how: 'started', atStep: 0 }]);
    expect(world.calls).toEqual(['start from zero']);
    expect(stepsOf(world)).toEqual([75]);
  });

  it('does nothing but report when it is complete', async () => {
    const world = await TrainingWorld.create();
    world.exit(0);
    for (const step of [25, 50, 75]) await world.checkpoint(step);
    const outcome = await finetuneIn(world);
    expect([world.calls, world.sleptMs, outcome.starts]).toEqual([[], 0, []]);
    expect(outcome.checkpoints.map(({ step }) => step)).toEqual([25, 50, 75]);
  });

  it('trains its last steps again when its last checkpoint is damaged', async () => {
    const world = await TrainingWorld.create(reach(75, 2), exit(0));
    world.exit(0);
    await world.checkpoint(50);
    await world.checkpoint(75, false);
    await finetuneIn(world);
    expect(world.calls).toEqual(['start from checkpoints/checkpoint-50']);
  });

  it('keeps one curve: of steps that were trained twice, the newer attempt’s', async () => {
    const world = await TrainingWorld.create(reach(2, 2), reach(75, 2), exit(0));
    world.exit(null);
    for (const step of [1, 2, 3]) world.step(step, 1);
    await world.checkpoint(1);
    const { curveDigest } = await finetuneIn(world);
    expect(world.store.records.get(curveDigest)).toMatchObject([
      { step: 1, attempt: 1 },
      { step: 2, attempt: 2 },
      { step: 3, attempt: 1 },
      { step: 75, attempt: 2 },
    ]);
  });

  it('counts how its attempts began', async () => {
    const world = await TrainingWorld.create(reach(75), exit(0));
    world.trainer = { kind: 'running' };
    await finetuneIn(world);
    expect(await world.metrics.exposition()).toMatch(/regraft_training_starts_total\{[^}]*how="adopted"[^}]*\} 1$/m);
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

  it('asks its trainer for a checkpoint when it is cancelled, and waits for the end', async () => {
    const env = environment();
    const world = await TrainingWorld.create(
      reach(25),
      () => env.cancel(),
      () => undefined,
      exit(75),
    );
    const failure = await failureIn(world, env);
    expect(failure).toBeInstanceOf(CancelledFailure);
    expect((failure as Error).message).toBe('CANCELLED');
    expect(world.calls).toEqual(['start from zero', 'stop: checkpoint']);
    expect(world.trainer).toEqual({ kind: 'exited', exitCode: 75 });
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

describe('a training whose trainer gives up', () => {
  it.each([
    [64, 'TRAINER_CONFIG_INVALID', true, 'refused its job'],
    [65, 'TRAINER_DATA_INVALID', true, 'refused its dataset'],
    [70, 'TRAINER_DIVERGED', true, 'stopped at a loss that is not finite'],
    [71, 'TRAINER_OUT_OF_MEMORY', true, 'ran out of memory'],
    [75, 'TRAINER_PREEMPTED', false, 'was told to stop and left a checkpoint'],
    [1, 'TRAINER_FAILED', false, 'ended with exit code 1'],
    [null, 'TRAINER_KILLED', false, 'was killed and left no exit code'],
  ])('fails by exit code %s as %s, final: %s, with its last words', async (exitCode, type, nonRetryable, meaning) => {
    const world = await TrainingWorld.create(reach(25), exit(exitCode));
    world.words = 'the end of its log:\nKilled';
    const failure = await failureIn(world);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      type,
      nonRetryable,
      message: `Training tiny-sums/M2/iterative ${meaning} after step 25 of 75: the end of its log:\nKilled`,
    });
    expect(stepsOf(world)).toEqual([25]);
  });

  it('fails for good when it says it is done without its last checkpoint', async () => {
    const world = await TrainingWorld.create(reach(50), exit(0));
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINER_INCOMPLETE', nonRetryable: true });
  });
});
