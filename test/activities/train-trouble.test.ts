import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { environment, exit, failureIn, finetuneIn, INPUT, log, reach, stepsOf } from '../support/finetune-in-world.ts';
import { quietEnvironment } from '../support/quiet-environment.ts';
import { TrainingWorld, type Tick } from '../support/training-world.ts';

describe('a trainer that makes no step', () => {
  const patient = { ...INPUT, finetune: { ...INPUT.finetune, stallAfter: '1m' } };

  it('is asked for its stacks, told to stop, killed, and tried again', async () => {
    const world = await TrainingWorld.create(log(1));
    world.words = 'the end of its log:\nThread 0x1 waits';
    const failure = await failureIn(world, environment(), patient);
    expect(failure).toMatchObject({
      type: 'TRAINER_STALLED',
      nonRetryable: false,
      message: expect.stringMatching(/made no step for too long and was ended after step 1 of 75.*waits/s) as string,
    });
    expect(world.calls).toEqual(['start from zero', 'stop: dump', 'stop: checkpoint', 'stop: kill']);
  });

  it('may wait in a queue for as long as it takes', async () => {
    const world = await TrainingWorld.create((at) => {
      at.trainer = { kind: 'queued' };
    });
    const ticks: Tick[] = Array.from({ length: 1000 }, () => () => undefined);
    world.play(
      (at) => {
        at.trainer = { kind: 'queued' };
      },
      ...ticks,
      (at) => {
        at.trainer = { kind: 'running' };
        return reach(75)(at);
      },
      exit(0),
    );
    expect((await finetuneIn(world, environment(), patient)).stepsDone).toBe(75);
  });

  it('gets on while its log grows, when its log is all that it has', async () => {
    const world = await TrainingWorld.create();
    const grow: Tick = (at) => {
      at.logSize += 1;
    };
    world.play(...Array.from({ length: 1000 }, () => grow), reach(75), exit(0));
    const finetuneSpec = { ...patient.finetune, trainer: 'command' as const, command: ['train'] };
    const outcome = await finetuneIn(world, environment(), { ...patient, finetune: finetuneSpec });
    expect(outcome.stepsDone).toBe(75);
  });
});

describe('a training whose trainer gives up', () => {
  it.each([
    [64, null, 'TRAINER_CONFIG_INVALID', true, 'refused its job'],
    [65, null, 'TRAINER_DATA_INVALID', true, 'refused its dataset'],
    [70, null, 'TRAINER_DIVERGED', false, 'diverged'],
    [71, null, 'TRAINER_OUT_OF_MEMORY', false, 'ran out of memory'],
    [75, null, 'TRAINER_PREEMPTED', false, 'was told to stop'],
    [75, 'time-limit', 'TRAINER_TIME_LIMIT', false, 'reached the time limit'],
    [1, null, 'TRAINER_FAILED', false, 'ended with exit code 1'],
    [null, null, 'TRAINER_KILLED', false, 'was killed and left no exit code'],
    [null, 'node-failure', 'TRAINER_NODE_FAILED', false, 'lost its node'],
  ] as const)('fails by exit code %s, reason %s, as %s, final: %s, with its last words', async (...row) => {
    const [exitCode, reason, type, nonRetryable, meaning] = row;
    const world = await TrainingWorld.create(reach(25), exit(exitCode, reason));
    world.words = 'the end of its log:\nKilled';
    const failure = await failureIn(world);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      type,
      nonRetryable,
      message: expect.stringMatching(
        new RegExp(`^Training tiny-sums/M2/iterative ${meaning}.* after step 25 of 75\\. .*Killed$`, 's'),
      ) as string,
    });
    expect(stepsOf(world)).toEqual([25]);
  });

  it('fails for good when it says it is done without its last checkpoint', async () => {
    const world = await TrainingWorld.create(reach(50), exit(0));
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINER_INCOMPLETE', nonRetryable: true });
  });

  it('tells Temporal when to try again', async () => {
    const world = await TrainingWorld.create(log(3), exit(null));
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINER_KILLED', nextRetryDelay: 1_000 });
    world.play(log(3), exit(null));
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINER_KILLED', nextRetryDelay: 2_000 });
    world.play(reach(25), exit(75));
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINER_PREEMPTED', nextRetryDelay: 1 });
  });

  it('is given up after five attempts in a row without a new checkpoint, and has a new chance when asked again', async () => {
    const world = await TrainingWorld.create();
    for (let attempt = 1; attempt < 5; attempt += 1) {
      world.play(exit(null));
      expect(await failureIn(world)).toMatchObject({ type: 'TRAINER_KILLED', nonRetryable: false });
    }
    world.play(exit(null));
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINER_NO_PROGRESS', nonRetryable: true });
    expect(world.jobs).toHaveLength(5);
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINER_NO_PROGRESS', nonRetryable: true });
    expect(world.jobs).toHaveLength(5);
    world.play(reach(75), exit(0));
    const again = quietEnvironment({
      workflowExecution: { workflowId: 'lineage/tiny-sums/run/M2/iterative', runId: 'r2' },
    });
    expect((await finetuneIn(world, again)).stepsDone).toBe(75);
  });

  it('gets half as much at a time when it ran out of memory, down to one', async () => {
    const world = await TrainingWorld.create();
    const sizes: (number | undefined)[] = [];
    for (let tries = 0; tries < 4; tries += 1) {
      world.play(exit(71));
      await failureIn(world);
      sizes.push(world.jobs.at(-1)?.microBatchSize);
    }
    expect(sizes).toEqual([8, 4, 2, 1]);
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINER_OUT_OF_MEMORY', nonRetryable: true });
    expect(world.jobs).toHaveLength(4);
    world.play(reach(75), exit(0));
    const again = quietEnvironment({
      workflowExecution: { workflowId: 'lineage/tiny-sums/run/M2/iterative', runId: 'r2' },
    });
    await finetuneIn(world, again);
    expect(world.jobs.at(-1)?.microBatchSize).toBe(1); // a new chance does not forget what fits
  });

  it('goes once to the checkpoint before the newest when it diverged, then fails with its curve', async () => {
    const world = await TrainingWorld.create(reach(25), reach(50), log(51), exit(70));
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINER_DIVERGED', nonRetryable: false });
    world.play(reach(50), log(51), exit(70));
    expect(await failureIn(world)).toMatchObject({
      type: 'TRAINER_DIVERGED',
      nonRetryable: true,
      message: expect.stringContaining('Its last losses: 50: 0.02000, 51: 0.01961.') as string,
    });
    expect(world.calls).toEqual(['start from zero', 'start from checkpoints/checkpoint-25']);
  });
});
