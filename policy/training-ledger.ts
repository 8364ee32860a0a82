import type {
  Attempt,
  AttemptEnd,
  CommittedCheckpoint,
  Continuity,
  RejectedCheckpoint,
  TrainingLedger,
} from '../contracts/training-ledger.schema.ts';

/** A training that nobody has looked after yet. */
export const EMPTY_LEDGER: TrainingLedger = {
  schema: 'regraft.training/1',
  token: 0,
  holder: '',
  attempts: [],
  starts: [],
  checkpoints: [],
};

/** Somebody takes a training over: from now on only the new, higher token may change it. */
export function takeOver(ledger: TrainingLedger, holder: string): TrainingLedger {
  return { ...ledger, token: ledger.token + 1, holder };
}

/** What is known of an attempt when it begins; the rest follows from the ledger. */
export type AttemptBegin = Pick<
  Attempt,
  'launch' | 'launcher' | 'chance' | 'host' | 'begunAt' | 'atStep' | 'microBatchSize' | 'rejected'
>;

/**
 * Notes a new attempt, before its trainer is launched: a launch that is not noted is nobody's. Checkpoints beyond its
 * beginning are no longer part of the training; what their steps were is kept, to be compared with the replay.
 */
export function beginAttempt(ledger: TrainingLedger, begin: AttemptBegin): TrainingLedger {
  const dropped = ledger.checkpoints.filter(({ step }) => step > begin.atStep);
  const attempt: Attempt = {
    ...begin,
    rejected: [...begin.rejected],
    attempt: (ledger.attempts.at(-1)?.attempt ?? 0) + 1,
    token: ledger.token,
    furthestStep: 0,
    broughtCheckpoint: false,
    replaces: dropped.map(({ curveDigest }) => curveDigest),
    continuity: null,
    end: null,
  };
  return {
    ...ledger,
    attempts: [...ledger.attempts, attempt],
    starts: [...ledger.starts, { how: begin.atStep === 0 ? 'started' : 'resumed', atStep: begin.atStep }],
    checkpoints: ledger.checkpoints.filter(({ step }) => step <= begin.atStep),
  };
}

/** Notes that somebody else goes on with the newest attempt's running trainer. */
export function adoptAttempt(ledger: TrainingLedger, atStep: number): TrainingLedger {
  return { ...ledger, starts: [...ledger.starts, { how: 'adopted', atStep }] };
}

/** A checkpoint counts from now on. Again with the same step it replaces the first. */
export function commitCheckpoint(ledger: TrainingLedger, checkpoint: CommittedCheckpoint): TrainingLedger {
  const others = ledger.checkpoints.filter(({ step }) => step !== checkpoint.step);
  const brought = checkpoint.step > furthestStep(ledger);
  return {
    ...changeAttempt(ledger, checkpoint.attempt, (attempt) => ({
      ...attempt,
      broughtCheckpoint: attempt.broughtCheckpoint || brought,
      furthestStep: Math.max(attempt.furthestStep, checkpoint.step),
    })),
    checkpoints: [...others, checkpoint].sort((left, right) => left.step - right.step),
  };
}

/** The full states of these checkpoints are gone from the store. */
export function forgetStates(ledger: TrainingLedger, names: readonly string[]): TrainingLedger {
  const checkpoints = ledger.checkpoints.map((checkpoint) =>
    checkpoint.state !== null && names.includes(checkpoint.state) ? { ...checkpoint, state: null } : checkpoint,
  );
  return { ...ledger, checkpoints };
}

/** Adds checkpoints that turned out to be unusable to the newest attempt's list. */
export function noteRejected(ledger: TrainingLedger, rejected: readonly RejectedCheckpoint[]): TrainingLedger {
  const newest = ledger.attempts.at(-1);
  if (newest === undefined) return ledger;
  return changeAttempt(ledger, newest.attempt, (attempt) => ({
    ...attempt,
    rejected: [...attempt.rejected, ...rejected],
  }));
}

/** How the newest attempt's replay compares; said again it replaces the first. */
export function noteContinuity(ledger: TrainingLedger, continuity: Continuity): TrainingLedger {
  const newest = ledger.attempts.at(-1);
  if (newest === undefined) return ledger;
  return changeAttempt(ledger, newest.attempt, (attempt) => ({ ...attempt, continuity }));
}

/** The newest attempt has ended. The first word on it stands. */
export function endAttempt(ledger: TrainingLedger, end: AttemptEnd): TrainingLedger {
  const newest = ledger.attempts.at(-1);
  if (newest === undefined) return ledger;
  return changeAttempt(ledger, newest.attempt, (attempt) => ({ ...attempt, end: attempt.end ?? end }));
}

/** Steps that attempts had made beyond where the next one had to begin. */
export function stepsLost(attempts: readonly Attempt[]): number {
  return attempts.slice(1).reduce((lost, attempt, index) => {
    const before = attempts[index]?.end?.lastStep ?? attempt.atStep;
    return lost + Math.max(before - attempt.atStep, 0);
  }, 0);
}

function furthestStep(ledger: TrainingLedger): number {
  return Math.max(0, ...ledger.attempts.map((attempt) => attempt.furthestStep));
}

function changeAttempt(ledger: TrainingLedger, number: number, change: (attempt: Attempt) => Attempt): TrainingLedger {
  return {
    ...ledger,
    attempts: ledger.attempts.map((attempt) => (attempt.attempt === number ? change(attempt) : attempt)),
  };
}

/**
 * Seconds in which a trainer was launched, all attempts together. One whose end nobody saw counts until the next began.
 *
 * @param now ISO time, for an attempt that runs
 */
export function trainedSeconds(attempts: readonly Attempt[], now: string): number {
  const spans = attempts.map(({ begunAt, end }, index) => {
    if (begunAt === undefined) return 0;
    const until = end?.at ?? attempts[index + 1]?.begunAt ?? now;
    return Math.max(Date.parse(until) - Date.parse(begunAt), 0) / 1000;
  });
  return spans.reduce((sum, span) => sum + span, 0);
}
