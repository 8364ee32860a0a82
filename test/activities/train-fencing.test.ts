import { CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { adoptAttempt, beginAttempt, endAttempt } from '../../policy/training-ledger.ts';
import { AT } from '../support/lineage-values.ts';
import { environment, exit, failureIn, finetuneIn, INPUT, reach, stepsOf } from '../support/finetune-in-world.ts';
import { TrainingWorld, type Tick } from '../support/training-world.ts';

describe('a training that somebody else took over', () => {
  it('is refused its next checkpoint, counts that, and ends its own trainer when the other has another', async () => {
    const world = await TrainingWorld.create(reach(25), async (at) => {
      const other = await at.takeOver('host-2/200');
      await other.change((ledger) => beginAttempt(ledger, ATTEMPT_ELSEWHERE));
      return reach(50)(at);
    });
    expect(await failureIn(world)).toMatchObject({
      type: 'TRAINING_FENCED',
      message: expect.stringMatching(/taken over by host-2\/200 with token 2; token 1 may change nothing/) as string,
    });
    expect(stepsOf(world)).toEqual([25]);
    expect(world.ledger).toMatchObject({ token: 2, checkpoints: [{ step: 25 }] });
    expect(world.calls).toEqual(['start from zero', 'stop: kill']);
    expect(await world.metrics.exposition()).toMatch(/regraft_stale_writes_refused_total\{[^}]*\} 1$/m);
  });

  it('leaves the trainer alone that the other adopted', async () => {
    const world = await TrainingWorld.create(reach(25), async (at) => {
      const other = await at.takeOver('host-1/101');
      at.play(() => other.change((ledger) => adoptAttempt(ledger, 25)));
      return reach(50)(at);
    });
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINING_FENCED' });
    expect(world.calls).toEqual(['start from zero']);
    expect(world.sleptMs).toBeLessThan(5_000);
  });

  it('waits until the other has decided before it ends its trainer', async () => {
    const world = await TrainingWorld.create(reach(25), async (at) => {
      const other = await at.takeOver('host-2/200');
      const end = { code: 'TRAINER_LOST', lastStep: 25, at: AT };
      at.play(
        () => expect(at.calls).toEqual(['start from zero']),
        () => other.change((ledger) => endAttempt(ledger, end)),
      );
      return reach(50)(at);
    });
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINING_FENCED' });
    expect(world.calls).toEqual(['start from zero', 'stop: kill']);
  });

  it('notices within seconds also when there is nothing to write', async () => {
    const world = await TrainingWorld.create(reach(25), async (at) => {
      const other = await at.takeOver('host-1/101');
      await other.change((ledger) => adoptAttempt(ledger, 25));
    });
    expect(await failureIn(world)).toMatchObject({ type: 'TRAINING_FENCED' });
    expect(world.sleptMs).toBeLessThanOrEqual(6_000);
  });

  it('renews a short lease in time', async () => {
    const idle = Array.from({ length: 60 }, (): Tick => () => undefined);
    const world = await TrainingWorld.create(...idle, reach(75), exit(0));
    await finetuneIn(world, environment(), { ...INPUT, finetune: { ...INPUT.finetune, leaseFor: '3s' } });
    expect(world.leases).toBeGreaterThanOrEqual(15); // in 15 s
  });

  it('stops no adopted trainer when it is cancelled for having been silent', async () => {
    const env = environment();
    const world = await TrainingWorld.create(reach(25), async (at) => {
      const other = await at.takeOver('host-1/101');
      await other.change((ledger) => adoptAttempt(ledger, 25));
      env.cancel();
    });
    expect(await failureIn(world, env)).toBeInstanceOf(CancelledFailure);
    expect(world.calls).toEqual(['start from zero']);
  });
});

const ATTEMPT_ELSEWHERE = {
  launch: 'feedfeedfeedfeed',
  launcher: { local: { gpus: 1 } },
  chance: 'r1',
  host: 'host-2/200',
  atStep: 25,
  microBatchSize: 8,
  rejected: [],
};
