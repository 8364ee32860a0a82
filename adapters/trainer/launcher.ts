import type { TrainerState } from '../../contracts/training.ts';

/** One launch of a trainer: which folder, and which of the launches there. */
export interface Launch {
  /** The training folder, absolute; on a file system that the trainer sees too. */
  readonly folder: string;
  /** 16 hexadecimal digits, new for each attempt: the idempotency key of the start. */
  readonly token: string;
}

/** What runs in the folder. */
export interface Program {
  readonly command: readonly [string, ...string[]];
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** The trainer is ended when `lease.json` in its folder was not written for so long: nobody supervises it any more. */
  readonly leaseSeconds: number;
}

/**
 * A means to run a trainer where its resources are. It keeps nothing in memory: all that it needs to find a launch again
 * is the folder and the token, so any later process can. `docs/launchers.md` says what one has to keep to.
 */
export interface Launcher {
  state(launch: Launch): Promise<TrainerState>;
  /**
   * Starts the program through `launch.sh`, which leaves `trainer.json` (who runs) and `exit.json` (how it ended), both
   * with the token. Ends every other launch in the folder first. Again with the same token it changes nothing.
   * @throws TRAINER_START_FAILED, retryable
   */
  start(launch: Launch, program: Program): Promise<void>;
  /**
   * `dump`: ask for stacks of all threads in the log (SIGUSR1); `checkpoint`: save at the next step and end (SIGTERM);
   * `kill`: end the whole group now. To the whole process group; nothing happens when it does not run.
   */
  stop(launch: Launch, how: 'dump' | 'checkpoint' | 'kill'): Promise<void>;
}
