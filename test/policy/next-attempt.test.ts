import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../contracts/training-ledger.schema.ts';
import { nextAttempt, type NextAttempt, type Patience } from '../../policy/next-attempt.ts';
import { AT, makeAttempt } from '../support/lineage-values.ts';

const PATIENCE: Patience = { batchSize: 32, microBatchSize: 32, giveUpAfter: 5 };

type Code = `TRAINER_${string}` | 'TRAINER_LOST' | null;

/** An attempt that ended by a code; fields given override. */
function ended(code: Code, fields: Partial<Attempt> = {}): Attempt {
  return makeAttempt({ end: { code, lastStep: 10, at: AT }, microBatchSize: 32, ...fields });
}
const progressed = (code: Code): Attempt => ended(code, { broughtCheckpoint: true, furthestStep: 50 });
const times = (count: number, attempt: Attempt): readonly Attempt[] => Array.from({ length: count }, () => attempt);

const next = (attempts: readonly Attempt[], patience: Partial<Patience> = {}): NextAttempt =>
  nextAttempt(attempts, 50, { ...PATIENCE, ...patience });

/** `afterMs`, or the code it gives up with. */
function waitOf(attempts: readonly Attempt[], patience: Partial<Patience> = {}): number | string {
  const decision = next(attempts, patience);
  return decision.kind === 'begin' ? decision.afterMs : decision.code;
}

const AT_ONCE = { kind: 'begin', afterMs: 0, microBatchSize: 32, beforeStep: null };

describe('the first attempt of a chance', () => {
  it('begins at once, with the micro-batch that the spec asks for, at the newest checkpoint', () => {
    expect(next([], { microBatchSize: 8 })).toEqual({ ...AT_ONCE, microBatchSize: 8 });
  });
});

describe('after one attempt', () => {
  it.each<[Code, NextAttempt | object]>([
    ['TRAINER_STOPPED', AT_ONCE],
    ['TRAINER_CONFIG_INVALID', { kind: 'give-up', code: 'TRAINER_CONFIG_INVALID' }],
    ['TRAINER_DATA_INVALID', { kind: 'give-up', code: 'TRAINER_DATA_INVALID' }],
    ['TRAINER_INCOMPLETE', { kind: 'give-up', code: 'TRAINER_INCOMPLETE' }],
    ['TRAINER_OUT_OF_MEMORY', { ...AT_ONCE, microBatchSize: 16 }],
    ['TRAINER_DIVERGED', { ...AT_ONCE, beforeStep: 50 }],
    ['TRAINER_FAILED', { ...AT_ONCE, afterMs: 1000 }],
    ['TRAINER_KILLED', { ...AT_ONCE, afterMs: 1000 }],
    ['TRAINER_STALLED', { ...AT_ONCE, afterMs: 1000 }],
    ['TRAINER_LOST', { ...AT_ONCE, afterMs: 1000 }],
    ['TRAINER_DISK_FULL', { ...AT_ONCE, afterMs: 1000 }],
    ['TRAINER_NODE_FAILED', { ...AT_ONCE, afterMs: 1000 }],
    ['TRAINER_SUPERSEDED', { ...AT_ONCE, afterMs: 1000 }],
    ['TRAINER_PREEMPTED', { ...AT_ONCE, afterMs: 1000 }],
    ['TRAINER_TIME_LIMIT', { ...AT_ONCE, afterMs: 1000 }],
    ['TRAINER_CANCELLED', { ...AT_ONCE, afterMs: 1000 }],
  ])('that brought nothing and ended by %s comes %j', (code, decision) => {
    expect(next([ended(code)])).toMatchObject(decision);
  });

  it.each<Code>(['TRAINER_PREEMPTED', 'TRAINER_TIME_LIMIT', 'TRAINER_CANCELLED'])(
    'that brought a checkpoint and lost its place by %s the next begins at once',
    (code) => {
      expect(next([progressed(code)])).toEqual(AT_ONCE);
    },
  );

  it.each<Code>(['TRAINER_KILLED', 'TRAINER_LOST', 'TRAINER_DISK_FULL'])(
    'that brought a checkpoint and ended by %s the next waits a second: what ails the machine may ail it still',
    (code) => {
      expect(waitOf([progressed(code)])).toBe(1000);
      expect(waitOf(times(500, progressed(code)))).toBe(1000);
    },
  );

  it('whose end nobody saw the next begins as after any failure', () => {
    expect(next([ended(null, { end: null })])).toEqual(next([ended('TRAINER_LOST')]));
  });

  it('keeps the micro-batch that the last one had', () => {
    expect(next([ended('TRAINER_KILLED', { microBatchSize: 4 })])).toMatchObject({ microBatchSize: 4 });
  });
});

describe('out of memory', () => {
  it.each([
    [32, 32, [16, 8, 4, 2, 1]],
    [12, 12, [6, 3, 1]],
    [12, 4, [2, 1]],
    [7, 7, [1]],
    [30, 30, [15, 6, 3, 1]],
    [1, 1, []],
  ])('a batch of %i with %i at a time goes down by divisors, and then it is given up', (batchSize, first, ladder) => {
    const sizes: number[] = [];
    const attempts: Attempt[] = [];
    let decision = next(attempts, { batchSize, microBatchSize: first });
    while (decision.kind === 'begin') {
      if (attempts.length > 0) sizes.push(decision.microBatchSize);
      attempts.push(ended('TRAINER_OUT_OF_MEMORY', { microBatchSize: decision.microBatchSize }));
      decision = next(attempts, { batchSize, microBatchSize: first });
    }
    expect(sizes).toEqual(ladder);
    expect(decision).toMatchObject({ kind: 'give-up', code: 'TRAINER_OUT_OF_MEMORY' });
  });

  it('always leaves a divisor of the batch that is at most half of what was tried', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4096 }), fc.integer({ min: 2, max: 4096 }), (batchSize, tried) => {
        const decision = next([ended('TRAINER_OUT_OF_MEMORY', { microBatchSize: tried })], { batchSize });
        const size = decision.kind === 'begin' ? decision.microBatchSize : NaN;
        expect([batchSize % size, size <= tried / 2]).toEqual([0, true]);
      }),
    );
  });

  it('is never too often, and neither counts as a failure nor ends a row of them', () => {
    const outOfMemory = ended('TRAINER_OUT_OF_MEMORY');
    const killed = ended('TRAINER_KILLED');
    expect(waitOf(times(9, outOfMemory), { giveUpAfter: 2 })).toBe(0);
    expect(waitOf([outOfMemory, outOfMemory, killed])).toBe(1000);
    expect(waitOf([killed, outOfMemory, killed])).toBe(2000);
  });
});

describe('a training that diverged', () => {
  const diverged = ended('TRAINER_DIVERGED');

  it('goes once to before the newest checkpoint, whatever came before', () => {
    expect(next([progressed('TRAINER_PREEMPTED'), ended('TRAINER_KILLED'), diverged])).toEqual({
      ...AT_ONCE,
      beforeStep: 50,
    });
  });

  it('goes to the start model where there is no checkpoint', () => {
    expect(nextAttempt([diverged], null, PATIENCE)).toEqual(AT_ONCE);
  });

  it('is given up the second time, also with other ends or new checkpoints between', () => {
    const giveUp = { kind: 'give-up', code: 'TRAINER_DIVERGED' };
    expect(next([diverged, diverged])).toMatchObject(giveUp);
    expect(next([diverged, ended('TRAINER_KILLED'), ended('TRAINER_STOPPED'), diverged])).toMatchObject(giveUp);
    expect(next([progressed('TRAINER_DIVERGED'), progressed('TRAINER_DIVERGED')])).toMatchObject(giveUp);
  });

  it('is no failure in a row of failures', () => {
    const killed = ended('TRAINER_KILLED');
    expect(next([...times(4, killed), diverged])).toMatchObject({ kind: 'begin' });
    expect(waitOf([diverged, killed])).toBe(1000);
    expect(waitOf([killed, diverged, killed])).toBe(2000);
  });

  it('is only asked back to before the newest right after it diverged', () => {
    expect(next([diverged, ended('TRAINER_KILLED')])).toMatchObject({ beforeStep: null });
  });
});

describe('failures in a row', () => {
  const killed = ended('TRAINER_KILLED');

  it('are waited for 1, 2, 4 … s, at most five minutes', () => {
    const waits = Array.from({ length: 11 }, (_, index) => waitOf(times(index + 1, killed), { giveUpAfter: 100 }));
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1000));
    expect(waitOf(times(99, killed), { giveUpAfter: 100 })).toBe(300_000);
  });

  it.each([1, 2, 5, 100])('are given up after %i without a new checkpoint, one less is not', (giveUpAfter) => {
    expect(next(times(giveUpAfter, killed), { giveUpAfter })).toEqual({
      kind: 'give-up',
      code: 'TRAINER_NO_PROGRESS',
      why: `it was the last of ${String(giveUpAfter)} attempts in a row without a new checkpoint`,
    });
    expect(next(times(giveUpAfter - 1, killed), { giveUpAfter }).kind).toBe('begin');
  });

  it('may be of different kinds', () => {
    const mixed = [killed, ended('TRAINER_STALLED'), ended('TRAINER_PREEMPTED'), ended('TRAINER_FAILED')];
    expect(waitOf(mixed)).toBe(8000);
    expect(waitOf([...mixed, ended('TRAINER_NODE_FAILED')])).toBe('TRAINER_NO_PROGRESS');
  });

  it('are counted from the newest progress on', () => {
    const row = [...times(4, killed), progressed('TRAINER_KILLED')];
    expect(waitOf([...row, killed])).toBe(1000);
    expect(waitOf([...row, ...times(4, killed)])).toBe(8000);
    expect(waitOf([...row, ...times(5, killed)])).toBe('TRAINER_NO_PROGRESS');
  });

  it('do not count those that the run itself stopped', () => {
    const stopped = ended('TRAINER_STOPPED');
    expect(waitOf(times(50, stopped))).toBe(0);
    expect(waitOf([killed, ...times(50, stopped), killed])).toBe(2000);
    expect(waitOf([...times(4, killed), stopped])).toBe(0);
  });

  it('of a machine that takes the place away again and again are given up too', () => {
    expect(waitOf(times(4, ended('TRAINER_PREEMPTED')))).toBe(8000);
    expect(waitOf(times(5, ended('TRAINER_PREEMPTED')))).toBe('TRAINER_NO_PROGRESS');
    expect(waitOf(times(500, progressed('TRAINER_PREEMPTED')))).toBe(0);
  });
});
