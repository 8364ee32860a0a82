import { secondsOf } from '../../contracts/duration.ts';
import type { TrainerState } from '../../contracts/training.ts';
import type { TrainerLaunch } from '../training-ports.ts';
import type { StepLog } from './step-log.ts';
import type { Training } from './training.ts';

const LOOK_EVERY_MS = 250;
const DUMP_MS = 2_000;
/** How long a stalled trainer may take to save: one that hangs will not. */
const STALLED_GRACE_MS = 30_000;
/** How long a trainer may take to reach its next step and save. */
const SAVE_GRACE_MS = 120_000;

/**
 * Alive is not the same as getting on. A trainer that runs and makes no step for `stallAfter` hangs; time in a queue does
 * not count. One that logs no steps (any program, by `trainer: command`) gets on while its log grows.
 */
export class StallWatch {
  readonly #training: Training;
  readonly #log: StepLog;
  #mark = '';
  #since: number;
  /** Set once a trainer was found to hang. */
  hasEnded = false;

  constructor(training: Training, log: StepLog) {
    this.#training = training;
    this.#log = log;
    this.#since = training.deps.clock.now().getTime();
  }

  /** True once: when the trainer has made no step for too long. */
  async isOver(kind: TrainerState['kind']): Promise<boolean> {
    const { deps, input, folder } = this.#training;
    const now = deps.clock.now().getTime();
    const bytes = input.finetune.trainer === 'command' ? await deps.trainers.logBytes(folder) : 0;
    const mark = `${String(this.#log.newestStep)} ${String(bytes)}`;
    if (mark !== this.#mark || kind !== 'running') {
      this.#mark = mark;
      this.#since = now;
    }
    if (this.hasEnded || now - this.#since < secondsOf(input.finetune.stallAfter) * 1000) return false;
    this.hasEnded = true;
    return true;
  }
}

/** Ends a trainer that hangs: stacks into its log if it can, then the request to save, then the end of the whole group. */
export async function endNow({ deps, input }: Training, launch: TrainerLaunch): Promise<void> {
  const never = new AbortController().signal;
  if (input.finetune.trainer === 'sft') {
    await deps.trainers.stop(launch, 'dump');
    await deps.clock.sleep(DUMP_MS, never);
  }
  await stopWithin(deps, launch, STALLED_GRACE_MS);
}

/** Asks for a checkpoint and the end, and kills the group when that takes too long. */
export async function stopWithin(
  deps: Training['deps'],
  launch: TrainerLaunch,
  graceMs: number = SAVE_GRACE_MS,
): Promise<void> {
  const never = new AbortController().signal;
  await deps.trainers.stop(launch, 'checkpoint');
  for (let waitedMs = 0; waitedMs < graceMs; waitedMs += LOOK_EVERY_MS) {
    const { kind } = await deps.trainers.state(launch);
    if (kind !== 'running' && kind !== 'queued') return;
    await deps.clock.sleep(LOOK_EVERY_MS, never);
  }
  await deps.trainers.stop(launch, 'kill');
}
