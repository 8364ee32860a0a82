import type { FinetuneSpec } from '../contracts/lineage-spec.schema.ts';
import type { TrainingStep } from '../contracts/training-step.schema.ts';
import type { TrainerState } from '../contracts/training.ts';

/** Which trainer: the folder, and which of the launches there. */
export interface TrainerLaunch {
  /** The training folder; holds all that there is to know of its trainers. */
  readonly folder: string;
  /** 16 hexadecimal digits, new for each attempt. */
  readonly token: string;
  readonly launcher: FinetuneSpec['launcher'];
}

/** What an attempt is told beside the recipe (docs/trainer-contract.md). */
export interface TrainerJob {
  readonly attempt: number;
  /** Folder of the start model. */
  readonly model: string;
  /** Checkpoint of the training folder, as `checkpoints/checkpoint-100`; null: from the start model. */
  readonly resumeFrom: string | null;
  readonly microBatchSize: number;
}

/** A complete checkpoint on disk: its marker was read and its sizes agree. */
export interface CheckpointFolder {
  readonly step: number;
  /** The attempt that wrote it. */
  readonly attempt: number;
  readonly folder: string;
  /** Path relative to the training folder, as a job names it. */
  readonly relativePath: string;
}

export interface FoundCheckpoints {
  /** Ascending by step. */
  readonly complete: readonly CheckpointFolder[];
  /** Half-written or lacking something. */
  readonly rejected: readonly { readonly step: number; readonly why: string }[];
}

/** Trainer processes that outlive the worker, wherever they run, and what they leave in their folders. */
export interface TrainerHost {
  state(launch: TrainerLaunch): Promise<TrainerState>;
  /**
   * Writes job.json and starts a trainer; whatever else still runs in the folder is ended first. Returns once the trainer
   * can be found again by its launch, so that a worker that dies right after leaves an adoptable one. Again with the same
   * launch it changes nothing.
   * @throws TRAINER_START_FAILED, TRAINER_NO_GPU, SLURM_UNREACHABLE, all retryable
   */
  start(launch: TrainerLaunch, job: TrainerJob, finetune: FinetuneSpec): Promise<void>;
  /**
   * `dump`: leave stacks in the log; `checkpoint`: save at the next step and end; `kill`: end the whole group now. Nothing
   * happens when this launch does not run.
   */
  stop(launch: TrainerLaunch, how: 'dump' | 'checkpoint' | 'kill'): Promise<void>;
  /** Says that somebody looks after the folder's trainer; it ends by itself once nobody has for the lease's time. */
  renewLease(folder: string, lease: { readonly token: number; readonly holder: string }): Promise<void>;
  /**
   * Checkpoints of a folder. With `seal`, those of a stock transformers Trainer count too: they get the marker that their
   * trainer does not write.
   */
  checkpoints(
    folder: string,
    seal: { readonly attempt: number; readonly model: string } | null,
  ): Promise<FoundCheckpoints>;
  /** Why a checkpoint cannot be resumed from or stored; null: every file has its size and digest, and all state is there. */
  verify(checkpoint: CheckpointFolder): Promise<string | null>;
  removeCheckpoints(folder: string, steps: readonly number[]): Promise<void>;
  /** Steps logged since `offsetBytes`; whole lines only. */
  readSteps(
    folder: string,
    offsetBytes: number,
  ): Promise<{ readonly steps: readonly TrainingStep[]; readonly offsetBytes: number }>;
  /** Bytes in the folder's log: a trainer that says nothing else is alive while it grows. */
  logBytes(folder: string): Promise<number>;
  /** What a failed trainer left to say: its own error, else the end of its log. */
  lastWords(folder: string): Promise<string>;
}

/**
 * Full states of checkpoints where every host finds them, so that a training can go on elsewhere. Which of them counts
 * says the training's ledger; every call may be repeated.
 */
export interface ResumeStates {
  /** Takes a checkpoint folder in, whole or not at all. */
  put(training: string, name: string, folder: string): Promise<void>;
  /** Brings one to `folder`, replacing what is there; false when it is not kept. */
  fetch(training: string, name: string, folder: string): Promise<boolean>;
  /** Removes all but these. */
  keepOnly(training: string, names: ReadonlySet<string>): Promise<void>;
}
