import type { ExitReason } from '../contracts/training.ts';

/** Classes of ends, each with a policy of its own (policy/next-attempt.ts). */
export type EndClass =
  | 'done'
  /** Configuration or data: the same again would fail the same way. */
  | 'refused'
  | 'out-of-memory'
  | 'diverged'
  /** Its place was taken from it; it may have saved. */
  | 'preempted'
  /** Everything that another try, elsewhere or later, may mend. */
  | 'infrastructure'
  /** Told to stop by its supervisor: a pause, a cancellation. */
  | 'stopped';

/** What the end of a trainer means (docs/trainer-contract.md). */
export interface TrainerEnd {
  readonly class: EndClass;
  /** Null: done. */
  readonly code: string | null;
  readonly meaning: string;
}

const DONE: TrainerEnd = { class: 'done', code: null, meaning: 'is done' };
const BY_CODE: Readonly<Record<number, TrainerEnd>> = {
  0: DONE,
  64: { class: 'refused', code: 'TRAINER_CONFIG_INVALID', meaning: 'refused its job' },
  65: { class: 'refused', code: 'TRAINER_DATA_INVALID', meaning: 'refused its dataset' },
  70: { class: 'diverged', code: 'TRAINER_DIVERGED', meaning: 'diverged' },
  71: { class: 'out-of-memory', code: 'TRAINER_OUT_OF_MEMORY', meaning: 'ran out of memory' },
  73: { class: 'infrastructure', code: 'TRAINER_DISK_FULL', meaning: 'found no space left to save in' },
  75: { class: 'preempted', code: 'TRAINER_PREEMPTED', meaning: 'was told to stop' },
  76: { class: 'infrastructure', code: 'TRAINER_SUPERSEDED', meaning: 'found that a newer attempt has its folder' },
};
const BY_REASON: Readonly<Record<ExitReason, TrainerEnd>> = {
  preempted: { class: 'preempted', code: 'TRAINER_PREEMPTED', meaning: 'lost its place to another job' },
  'time-limit': { class: 'preempted', code: 'TRAINER_TIME_LIMIT', meaning: 'reached the time limit of its job' },
  'node-failure': { class: 'infrastructure', code: 'TRAINER_NODE_FAILED', meaning: 'lost its node' },
  'out-of-memory': { class: 'out-of-memory', code: 'TRAINER_OUT_OF_MEMORY', meaning: 'was ended for its memory' },
  cancelled: { class: 'preempted', code: 'TRAINER_CANCELLED', meaning: 'was cancelled by somebody at the launcher' },
};
/** Seen by the supervisor, not said by the trainer. */
export const STALLED: TrainerEnd = {
  class: 'infrastructure',
  code: 'TRAINER_STALLED',
  meaning: 'made no step for too long and was ended',
};
export const STOPPED: TrainerEnd = {
  class: 'stopped',
  code: 'TRAINER_STOPPED',
  meaning: 'was told to stop by its run',
};
/** It ended well, and a checkpoint of its last step is not there. */
export const INCOMPLETE: TrainerEnd = {
  class: 'refused',
  code: 'TRAINER_INCOMPLETE',
  meaning: 'ended without its last checkpoint',
};
/** A launch that was noted and of which nothing is left: its worker died between the two, or its host is gone. */
export const LOST: TrainerEnd = { class: 'infrastructure', code: 'TRAINER_LOST', meaning: 'is gone without a trace' };

/**
 * Reads an end. What the trainer said itself comes before what its launcher knows, save that exit 75 has a cause that
 * only the launcher can tell. `exitCode` null: it was killed and left none; from 129 on, a signal ended it.
 */
export function trainerEnd(exitCode: number | null, reason: ExitReason | null): TrainerEnd {
  const said = exitCode === null ? undefined : BY_CODE[exitCode];
  if (said !== undefined && said.code !== 'TRAINER_PREEMPTED') return said;
  if (reason !== null) return BY_REASON[reason];
  if (said !== undefined) return said;
  if (exitCode === null) {
    return { class: 'infrastructure', code: 'TRAINER_KILLED', meaning: 'was killed and left no exit code' };
  }
  if (exitCode > 128) {
    return {
      class: 'infrastructure',
      code: 'TRAINER_KILLED',
      meaning: `was ended by signal ${String(exitCode - 128)}`,
    };
  }
  return { class: 'infrastructure', code: 'TRAINER_FAILED', meaning: `ended with exit code ${String(exitCode)}` };
}

/** The class behind a code that a ledger kept. */
export function classOfCode(code: string | null): EndClass {
  if (code === null) return 'done';
  const all = [...Object.values(BY_CODE), ...Object.values(BY_REASON), STALLED, STOPPED, INCOMPLETE, LOST];
  return all.find((end) => end.code === code)?.class ?? 'infrastructure';
}
