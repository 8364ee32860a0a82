import { describe, expect, it } from 'vitest';
import { TrainingClaim } from '../../activities/training/claim.ts';
import type { TrainingLedger } from '../../contracts/training-ledger.schema.ts';
import { adoptAttempt } from '../../policy/training-ledger.ts';
import { MemoryStore } from '../support/memory-store.ts';

const TRAINING = 'tiny-sums/M2/iterative-0123456789ab';
const adoptAt =
  (step: number) =>
  (ledger: TrainingLedger): TrainingLedger =>
    adoptAttempt(ledger, step);

describe('a claim on a training', () => {
  it('raises the token each time it is taken, and keeps what was there', async () => {
    const store = new MemoryStore();
    const first = await TrainingClaim.take(store, TRAINING, 'one');
    await first.change(adoptAt(5));
    const second = await TrainingClaim.take(store, TRAINING, 'two');
    expect([first.token, second.token]).toEqual([1, 2]);
    expect(second.ledger).toMatchObject({ holder: 'two', starts: [{ how: 'adopted', atStep: 5 }] });
  });

  it('has a token of its own for each of many that take it at once', async () => {
    const store = new MemoryStore();
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, index) => TrainingClaim.take(store, TRAINING, String(index))),
    );
    expect(claims.map(({ token }) => token).sort((left, right) => left - right)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('refuses every change and check of an older one, and changes nothing for it', async () => {
    const store = new MemoryStore();
    const old = await TrainingClaim.take(store, TRAINING, 'frozen');
    const current = await TrainingClaim.take(store, TRAINING, 'successor');
    const before = new Map(store.refs);
    for (const work of [() => old.change(adoptAt(9)), () => old.change((ledger) => ledger), () => old.check()]) {
      await expect(work()).rejects.toMatchObject({
        code: 'TRAINING_FENCED',
        retryable: true,
        details: { token: 1, current: 2 },
        message: `training/${TRAINING} was taken over by successor with token 2; token 1 may change nothing any more.`,
      });
    }
    expect(store.refs).toEqual(before);
    await current.change(adoptAt(1));
    expect((await old.newest()).starts).toEqual([{ how: 'adopted', atStep: 1 }]);
  });

  it('leaves the ref alone when a change changes nothing', async () => {
    const store = new MemoryStore();
    const claim = await TrainingClaim.take(store, TRAINING, 'one');
    const before = new Map(store.refs);
    await claim.change((ledger) => ledger);
    expect(store.refs).toEqual(before);
  });
});
