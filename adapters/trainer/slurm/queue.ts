import { RegraftError } from '../../../contracts/error.ts';
import type { ExitReason } from '../../../contracts/training.ts';

/** How squeue has to print: `squeue --noheader --format=…`. */
export const QUEUE_FORMAT = '%i|%T';

/** What Slurm knows of a job. */
export interface SlurmJob {
  /** Not enough to know a job by: a controller that lost its state gives it out again. */
  readonly id: number;
  /** Slurm's own word. */
  readonly word: string;
  readonly phase: JobPhase;
}

export type JobPhase =
  | { readonly kind: 'queued' }
  | { readonly kind: 'running' }
  | { readonly kind: 'ended'; readonly reason: ExitReason | null };

/** @throws SLURM_UNREACHABLE, retryable, for a line or a state that this launcher does not know */
export function parseQueue(output: string): readonly SlurmJob[] {
  return output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parseLine);
}

/** The job that stands for all of one name: one that is not over before one that is, then the newest; null: none. */
export function decisiveJob(jobs: readonly SlurmJob[]): SlurmJob | null {
  const rank = ({ phase }: SlurmJob): number => (phase.kind === 'ended' ? 0 : 1);
  return [...jobs].sort((left, right) => rank(right) - rank(left) || right.id - left.id)[0] ?? null;
}

/** What `sbatch --parsable` printed: the id, and the cluster after a semicolon where there are several; null: no id. */
export function parseJobId(output: string): number | null {
  const id = /^(\d+)(?:;\S+)?$/.exec(output.trim().split('\n').at(-1) ?? '')?.[1];
  return id === undefined ? null : Number(id);
}

const QUEUED: JobPhase = { kind: 'queued' };
const RUNNING: JobPhase = { kind: 'running' };
const ended = (reason: ExitReason | null): JobPhase => ({ kind: 'ended', reason });
/** A requeued job waits like one that never ran; one that is completing still has processes. */
const PHASES: Readonly<Record<string, JobPhase>> = {
  PENDING: QUEUED,
  CONFIGURING: QUEUED,
  REQUEUED: QUEUED,
  REQUEUE_FED: QUEUED,
  REQUEUE_HOLD: QUEUED,
  RESV_DEL_HOLD: QUEUED,
  SPECIAL_EXIT: QUEUED,
  RUNNING,
  COMPLETING: RUNNING,
  SUSPENDED: RUNNING,
  STOPPED: RUNNING,
  RESIZING: RUNNING,
  SIGNALING: RUNNING,
  STAGE_OUT: RUNNING,
  COMPLETED: ended(null),
  FAILED: ended(null),
  DEADLINE: ended(null),
  REVOKED: ended(null),
  TIMEOUT: ended('time-limit'),
  PREEMPTED: ended('preempted'),
  NODE_FAIL: ended('node-failure'),
  BOOT_FAIL: ended('node-failure'),
  OUT_OF_MEMORY: ended('out-of-memory'),
  CANCELLED: ended('cancelled'),
};

function parseLine(line: string): SlurmJob {
  const [, id, word] = /^(\d+)\S*\|([A-Z_]+)\+?$/.exec(line.trim()) ?? [];
  const phase = word === undefined ? undefined : PHASES[word];
  if (id === undefined || word === undefined || phase === undefined) {
    throw new RegraftError(
      'SLURM_UNREACHABLE',
      `squeue printed "${line.trim()}", expected "ID|STATE" with a state of Slurm 20 to 24; nothing is concluded from it, it is asked again.`,
      { retryable: true, details: { line } },
    );
  }
  return { id: Number(id), word, phase };
}
