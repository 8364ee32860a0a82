/** What a launcher knows about the end of a trainer beyond its exit code. */
export type ExitReason = 'preempted' | 'time-limit' | 'node-failure' | 'out-of-memory' | 'cancelled';

/** How far one launch of a trainer is. */
export type TrainerState =
  /** Never started, or nothing is left of it. */
  | { readonly kind: 'absent' }
  /** Waits for its resources; nothing is spent yet. */
  | { readonly kind: 'queued' }
  | { readonly kind: 'running' }
  /** `exitCode` null: it ended without leaving one, so it was killed. `reason` null: its launcher knows of none. */
  | { readonly kind: 'exited'; readonly exitCode: number | null; readonly reason: ExitReason | null };
