import { describe, expect, it } from 'vitest';
import type { FinetuneInput } from '../../activities/train.ts';
import { environment, exit, finetuneIn, INPUT, leftBehind, log, reach, stepsOf } from '../support/finetune-in-world.ts';
import { TrainingWorld } from '../support/training-world.ts';

describe('a training that somebody began before', () => {
  it('adopts the trainer that runs, announces the newest checkpoint again, and starts nothing', async () => {
    const world = await leftBehind(reach(25), reach(50));
    world.play(reach(75), exit(0));
    const outcome = await finetuneIn(world);
    expect(world.calls).toEqual([]);
    expect(outcome.starts).toEqual([
      { how: 'started', atStep: 0 },
      { how: 'adopted', atStep: 50 },
    ]);
    expect(stepsOf(world)).toEqual([50, 75]);
    expect(outcome).toMatchObject({ stepsLost: 0, continuity: 'nothing to compare' });
    expect(outcome.attempts).toHaveLength(1);
  });

  it('takes in what the trainer finished while nobody looked', async () => {
    const world = await leftBehind(reach(25));
    await reach(50)(world);
    world.play(reach(75), exit(0));
    expect((await finetuneIn(world)).starts.at(-1)).toEqual({ how: 'adopted', atStep: 50 });
    expect(stepsOf(world)).toEqual([25, 50, 75]);
  });

  it('resumes a dead one from its newest checkpoint, and finds the replayed steps as they were', async () => {
    const world = await leftBehind(reach(25), reach(50), log(51, 52, 53));
    world.exit(null);
    world.play(log(51, 52, 53), reach(75), exit(0));
    const outcome = await finetuneIn(world);
    expect(world.calls).toEqual(['start from checkpoints/checkpoint-50']);
    expect(world.jobs.at(-1)).toMatchObject({ attempt: 2, resumeFrom: 'checkpoints/checkpoint-50' });
    expect(outcome).toMatchObject({ stepsLost: 3, continuity: 'verified' });
    expect(outcome.attempts).toMatchObject([
      { attempt: 1, end: { code: 'TRAINER_KILLED', lastStep: 53 } },
      { attempt: 2, atStep: 50, rejected: [], continuity: { verdict: 'verified', comparedSteps: 3, tolerance: 0 } },
    ]);
    expect(await world.metrics.exposition()).toMatch(/training_continuity_total\{[^}]*verdict="verified"[^}]*\} 1$/m);
  });

  it('says that continuity is broken when a replayed step comes out otherwise, and goes on', async () => {
    const world = await leftBehind(reach(25), log(26, 27));
    world.exit(null);
    world.play(log(26), (at) => at.step(27, { lossNats: 0.9 }), reach(75), exit(0));
    const outcome = await finetuneIn(world);
    expect(outcome.continuity).toBe('broken');
    expect(outcome.attempts[1]?.continuity).toMatchObject({
      verdict: 'broken',
      firstDifference: { step: 27, before: 1 / 27, after: 0.9 },
    });
    expect(await world.metrics.exposition()).toMatch(/training_continuity_total\{[^}]*verdict="broken"[^}]*\} 1$/m);
  });

  it('falls back on the checkpoint before when the newest is damaged here and in the store, and names it', async () => {
    const world = await leftBehind(reach(25), reach(50), log(51));
    world.exit(null);
    world.damage(50, 'optimizer.pt is missing');
    for (const [name, state] of world.states) {
      if (state.step === 50) world.states.set(name, { ...state, problem: 'model.safetensors has another sha256' });
    }
    world.play(
      (at) => {
        expect(at.folderSteps).toEqual([25]);
        at.step(26);
      },
      reach(50),
      log(51),
      reach(75),
      exit(0),
    );
    const outcome = await finetuneIn(world);
    expect(world.calls).toEqual(['start from checkpoints/checkpoint-25']);
    expect(outcome.attempts[1]?.rejected).toEqual([
      {
        step: 50,
        why: 'on host-1/100 optimizer.pt is missing; in the store: model.safetensors has another sha256',
      },
    ]);
    expect(outcome).toMatchObject({ stepsLost: 26, continuity: 'verified' });
    expect(outcome.checkpoints.map(({ step }) => step)).toEqual([25, 50, 75]);
  });

  it('takes the copy of the store when only the one here is damaged', async () => {
    const world = await leftBehind(reach(25), reach(50));
    world.exit(null);
    world.damage(50, 'optimizer.pt is missing');
    world.play(reach(75), exit(0));
    const outcome = await finetuneIn(world);
    expect(world.calls).toEqual(['start from checkpoints/checkpoint-50']);
    expect(outcome.attempts[1]?.rejected).toEqual([{ step: 50, why: 'on host-1/100 optimizer.pt is missing' }]);
  });

  it('takes the copy of the store when the one here is of an attempt that somebody else went past', async () => {
    const world = await leftBehind(reach(25));
    world.exit(null);
    world.disown(25, 7);
    world.play(reach(75), exit(0));
    const outcome = await finetuneIn(world);
    expect(world.calls).toEqual(['start from checkpoints/checkpoint-25']);
    expect(outcome.attempts[1]?.rejected).toEqual([
      { step: 25, why: "on host-1/100 it is attempt 7's, not attempt 1's" },
    ]);
  });

  it('never commits a checkpoint that does not verify, and names it', async () => {
    const world = await leftBehind(reach(25), (at) => at.checkpoint(50, 'model.safetensors has another sha256'));
    world.exit(null);
    world.play(reach(75), exit(0));
    const outcome = await finetuneIn(world);
    expect(world.calls).toEqual(['start from checkpoints/checkpoint-25']);
    expect(outcome.attempts[0]?.rejected).toEqual([{ step: 50, why: 'model.safetensors has another sha256' }]);
    expect(outcome.checkpoints.map(({ step }) => step)).toEqual([25, 75]);
  });

  it('names a checkpoint that was half-written when its trainer died', async () => {
    const world = await leftBehind(reach(25), (at) => at.tear(50, 'it has no COMPLETE marker'));
    world.exit(null);
    world.play(reach(75), exit(0));
    expect((await finetuneIn(world)).attempts[0]?.rejected).toEqual([{ step: 50, why: 'it has no COMPLETE marker' }]);
  });

  it('starts from zero when no checkpoint verifies', async () => {
    const world = await leftBehind(reach(25));
    world.exit(1);
    world.damage(25, 'scheduler.pt is missing');
    world.states.clear();
    world.play(reach(75), exit(0));
    expect((await finetuneIn(world)).starts.at(-1)).toEqual({ how: 'started', atStep: 0 });
    expect(world.calls).toEqual(['start from zero']);
  });

  it('goes on at another host from what the store has', async () => {
    const world = await leftBehind(reach(25), reach(50), log(51));
    world.moveToAnotherHost();
    world.play(reach(75), exit(0));
    const outcome = await finetuneIn(world, environment({ step: 58 }));
    expect(world.calls).toEqual(['start from checkpoints/checkpoint-50']);
    expect(outcome.attempts).toMatchObject([
      { host: 'host-1/100', end: { code: 'TRAINER_LOST', lastStep: 58 } },
      { host: 'host-2/200', atStep: 50, continuity: { verdict: 'nothing to compare' } },
    ]);
    expect(outcome.stepsLost).toBe(8);
    expect(world.folderSteps).toContain(75);
  });

  it('compares with what another host had committed, when it has to begin before that', async () => {
    const world = await leftBehind(reach(25), log(49), reach(50));
    world.moveToAnotherHost();
    for (const [name, state] of world.states) {
      if (state.step === 50) world.states.set(name, { ...state, problem: 'optimizer.pt is missing' });
    }
    world.play(log(49), (at) => at.step(50, { lossNats: 9 }), reach(75), exit(0));
    const outcome = await finetuneIn(world);
    expect(world.calls).toEqual(['start from checkpoints/checkpoint-25']);
    expect(outcome.attempts[1]?.continuity).toEqual({
      verdict: 'broken',
      comparedSteps: 2,
      tolerance: 0,
      firstDifference: { step: 50, before: 1 / 50, after: 9 },
    });
  });

  it('does nothing but report when it is complete', async () => {
    const world = await TrainingWorld.create(reach(25), reach(50), reach(75), exit(0));
    const first = await finetuneIn(world);
    world.calls.length = 0;
    const slept = world.sleptMs;
    expect(await finetuneIn(world)).toEqual(first);
    expect([world.calls, world.sleptMs - slept]).toEqual([[], 0]);
  });

  it('is the same training when only the way it is looked after changes, and another when the recipe does', async () => {
    const world = await TrainingWorld.create(reach(25), reach(50), reach(75), exit(0));
    await finetuneIn(world);
    const run = (finetune: Partial<FinetuneInput['finetune']>): Promise<unknown> =>
      finetuneIn(world, environment(), { ...INPUT, finetune: { ...INPUT.finetune, ...finetune } });
    world.calls.length = 0;
    await run({ stallAfter: '5m', keepLast: 7, microBatchSize: 4, dataset: INPUT.finetune.dataset });
    expect(world.calls).toEqual([]);
    world.play(reach(75), exit(0));
    await run({ learningRate: 1e-5 });
    expect(world.calls).toEqual(['start from zero']);
  });

  it('has one curve: what was logged beyond a resume is cut off, and no step appears twice', async () => {
    const world = await leftBehind(log(1, 24), reach(25), log(26, 27, 28));
    world.exit(null);
    world.play(log(26, 27), reach(75), exit(0));
    const { curveDigest } = await finetuneIn(world);
    expect(world.store.records.get(curveDigest)).toMatchObject([
      { step: 1, attempt: 1 },
      { step: 24, attempt: 1 },
      { step: 25, attempt: 1 },
      { step: 26, attempt: 2 },
      { step: 27, attempt: 2 },
      { step: 75, attempt: 2 },
    ]);
  });

  it('counts how its attempts began and ended', async () => {
    const world = await leftBehind(reach(25));
    world.play(reach(75), exit(0));
    await finetuneIn(world);
    const page = await world.metrics.exposition();
    expect(page).toMatch(/regraft_training_starts_total\{[^}]*how="adopted"[^}]*\} 1$/m);
    expect(page).toMatch(/regraft_training_ends_total\{[^}]*end="done"[^}]*\} 1$/m);
    expect(page).toMatch(/regraft_training_continuity_total\{[^}]*verdict="broken"[^}]*\} 0$/m);
  });
});
