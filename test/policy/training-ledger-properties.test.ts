import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trainingLedgerSchema, type Continuity, type TrainingLedger } from '../../contracts/training-ledger.schema.ts';
import {
  adoptAttempt,
  beginAttempt,
  commitCheckpoint,
  EMPTY_LEDGER,
  endAttempt,
  forgetStates,
  noteContinuity,
  noteRejected,
  takeOver,
} from '../../policy/training-ledger.ts';
import { AT, makeAttemptBegin, makeCommitted } from '../support/lineage-values.ts';

/** What a supervisor does to a ledger; numbers are taken modulo what the ledger has. */
type Deed =
  | { readonly kind: 'take over' | 'begin' | 'adopt' | 'commit' | 'forget'; readonly number: number }
  | { readonly kind: 'reject' | 'compare'; readonly number: number }
  | { readonly kind: 'end'; readonly number: number; readonly code: string | null };

const number = fc.nat({ max: 1000 });
// Attempts and their checkpoints come often: what is worth testing needs several of both.
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('commit'), number }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('begin'), number }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('adopt', 'take over', 'forget'), number }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('reject', 'compare'), number }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('end'), number, code: fc.constantFrom(null, 'TRAINER_KILLED') }),
  },
);
const deeds = fc.array(deed, { maxLength: 40, size: 'max' });

/** Every ledger that one supervisor after the other leaves, the first taken over already. */
function history(all: readonly Deed[]): readonly TrainingLedger[] {
  const ledgers = [takeOver(EMPTY_LEDGER, 'host-1/1')];
  for (const one of all) ledgers.push(frozen(after(ledgers.at(-1) ?? EMPTY_LEDGER, one)));
  return ledgers;
}

function after(ledger: TrainingLedger, one: Deed): TrainingLedger {
  const newest = ledger.attempts.at(-1);
  if (one.kind === 'take over') return takeOver(ledger, `host-${String(one.number)}/1`);
  if (one.kind === 'begin') return beginAttempt(ledger, makeAttemptBegin(resumePoint(ledger, one.number)));
  if (newest === undefined) return ledger;
  const step = newest.atStep + 1 + (one.number % 100);
  switch (one.kind) {
    case 'adopt':
      return adoptAttempt(ledger, newest.atStep);
    case 'commit':
      return commitCheckpoint(ledger, makeCommitted(step, newest.attempt));
    case 'forget':
      return forgetStates(ledger, [`state ${String(step)}`]);
    case 'reject':
      return noteRejected(ledger, [{ step, why: 'torn' }]);
    case 'compare':
      return noteContinuity(ledger, compared('verified', step));
    case 'end':
      return endAttempt(ledger, { code: one.code, lastStep: step, at: AT });
  }
}

/** A committed checkpoint, or the start model. */
function resumePoint({ checkpoints }: TrainingLedger, among: number): number {
  return [0, ...checkpoints.map(({ step }) => step)][among % (checkpoints.length + 1)] ?? 0;
}

function compared(verdict: 'verified' | 'broken', comparedSteps: number): Continuity {
  return { verdict, comparedSteps, tolerance: 0, firstDifference: null };
}

/** A transition that wrote into what it was given would throw. */
function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}

/** Holds for every ledger and the one before it, whatever was done. */
function alwaysAfter(claim: (now: TrainingLedger, before: TrainingLedger) => void): void {
  fc.assert(
    fc.property(deeds, (all) => {
      const ledgers = history(all);
      ledgers.slice(1).forEach((now, index) => {
        claim(now, ledgers[index] ?? EMPTY_LEDGER);
      });
    }),
  );
}

describe('whatever is done to a ledger', () => {
  it('it can be stored and read back as it is', () => {
    alwaysAfter((now) => {
      expect(trainingLedgerSchema.parse(JSON.parse(JSON.stringify(now)))).toEqual(now);
    });
  });

  it('its token only grows, and by taking over alone', () => {
    alwaysAfter((now, before) => {
      const isTakenOver = now.attempts === before.attempts && now.token !== before.token;
      expect(now.token).toBe(before.token + (isTakenOver ? 1 : 0));
      if (!isTakenOver) expect(now.holder).toBe(before.holder);
    });
  });

  it('has no checkpoint beyond the beginning of the newest attempt that an older one wrote', () => {
    alwaysAfter(({ attempts, checkpoints }) => {
      const newest = attempts.at(-1);
      const foreign = checkpoints.filter(
        ({ step, attempt }) => step > (newest?.atStep ?? 0) && attempt !== newest?.attempt,
      );
      expect(foreign).toEqual([]);
    });
  });

  it('has its checkpoints in order, one a step', () => {
    alwaysAfter(({ checkpoints }) => {
      const steps = checkpoints.map(({ step }) => step);
      expect(steps).toEqual([...new Set(steps)].sort((left, right) => left - right));
    });
  });

  it('counts attempts from one, each under the token of its time, and forgets none', () => {
    alwaysAfter((now, before) => {
      expect(now.attempts.map(({ attempt }) => attempt)).toEqual(now.attempts.map((_, index) => index + 1));
      const tokens = now.attempts.map(({ token }) => token);
      expect(tokens).toEqual([...tokens].sort((left, right) => left - right));
      expect(now.attempts.length).toBeGreaterThanOrEqual(before.attempts.length);
      expect(now.starts.slice(0, before.starts.length)).toEqual(before.starts);
    });
  });

  it('leaves what has ended ended as it was, and older attempts alone', () => {
    alwaysAfter((now, before) => {
      before.attempts.forEach((attempt, index) => {
        if (attempt.end !== null) expect(now.attempts[index]?.end).toEqual(attempt.end);
        if (index < before.attempts.length - 1) expect(now.attempts[index]).toEqual(attempt);
      });
    });
  });

  it('is the same when a commit, an end, a comparison or a removal is said twice', () => {
    alwaysAfter((now) => {
      const newest = now.attempts.at(-1);
      if (newest === undefined) return;
      const twice: readonly ((ledger: TrainingLedger) => TrainingLedger)[] = [
        (ledger) => commitCheckpoint(ledger, makeCommitted(newest.atStep + 5, newest.attempt)),
        (ledger) => endAttempt(ledger, { code: 'TRAINER_KILLED', lastStep: 7, at: AT }),
        (ledger) => noteContinuity(ledger, compared('broken', 3)),
        (ledger) => forgetStates(ledger, ['state 5']),
      ];
      for (const change of twice) expect(change(change(now))).toEqual(change(now));
    });
  });
});
