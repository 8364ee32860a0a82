/** What the end of a trainer process means (docs/trainer-contract.md). */
export type TrainerEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: string; readonly retryable: boolean; readonly meaning: string };

const KNOWN: Readonly<Record<number, TrainerEnd>> = {
  0: { kind: 'done' },
  64: { kind: 'failed', code: 'TRAINER_CONFIG_INVALID', retryable: false, meaning: 'refused its job' },
  65: { kind: 'failed', code: 'TRAINER_DATA_INVALID', retryable: false, meaning: 'refused its dataset' },
  70: { kind: 'failed', code: 'TRAINER_DIVERGED', retryable: false, meaning: 'stopped at a loss that is not finite' },
  71: { kind: 'failed', code: 'TRAINER_OUT_OF_MEMORY', retryable: false, meaning: 'ran out of memory' },
  75: { kind: 'failed', code: 'TRAINER_PREEMPTED', retryable: true, meaning: 'was told to stop and left a checkpoint' },
};

/** Reads an exit code; null means that it was killed and left none. */
export function trainerEnd(exitCode: number | null): TrainerEnd {
  if (exitCode === null) {
    return { kind: 'failed', code: 'TRAINER_KILLED', retryable: true, meaning: 'was killed and left no exit code' };
  }
  return (
    KNOWN[exitCode] ?? {
      kind: 'failed',
      code: 'TRAINER_FAILED',
      retryable: true,
      meaning: `ended with exit code ${String(exitCode)}`,
    }
  );
}
