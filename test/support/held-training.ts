import { Context } from '@temporalio/activity';
import { setTimeout } from 'node:timers/promises';
import type { LineageDoor } from '../../activities/ports.ts';
import { announce, checkpointSteps, outcomeOf, type Activities } from './scripted-work.ts';
import { waitUntil } from './wait-until.ts';

const LOOK_EVERY_MS = 20;

/**
 * A training that goes as far as the test lets it. Like the real one it saves when it is cancelled and goes on from what
 * it saved: `starts` tells the step that each attempt began at.
 */
export class HeldTraining {
  readonly starts: number[] = [];
  /** Attempts that are under way. */
  running = 0;
  /** How many were told to end. */
  cancelled = 0;
  /** The newest checkpoint. */
  saved = 0;
  /** The most attempts that were under way at a time. */
  mostAtOnce = 0;
  /** What a cancelled attempt waits for before it ends. */
  saving: Promise<void> = Promise.resolve();
  readonly #door: LineageDoor;
  #allowed = 0;

  constructor(door: LineageDoor) {
    this.#door = door;
  }

  /** Lets it train as far as this step. */
  proceedTo(step: number): void {
    this.#allowed = step;
  }

  async untilRunning(): Promise<void> {
    await waitUntil('a training runs', async () => this.running > 0);
  }

  /** The activity. */
  readonly finetuneModel: Activities['finetuneModel'] = async ({ startModel, finetune }) => {
    const context = Context.current();
    const from = this.saved;
    this.starts.push(from);
    this.running += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running);
    const pulse = setInterval(() => {
      context.heartbeat();
    }, LOOK_EVERY_MS);
    try {
      const checkpoints = [];
      for (const step of checkpointSteps(finetune)) {
        while (step > this.#allowed) await setTimeout(LOOK_EVERY_MS, undefined, { signal: context.cancellationSignal });
        checkpoints.push(await announce(this.#door, startModel, step));
        this.saved = step;
      }
      return outcomeOf(
        checkpoints,
        this.starts.map((atStep) => ({ how: atStep === 0 ? 'started' : 'resumed', atStep })),
      );
    } catch (error) {
      if (!context.cancellationSignal.aborted) throw error;
      this.cancelled += 1;
      await this.saving;
      throw context.cancellationSignal.reason;
    } finally {
      clearInterval(pulse);
      this.running -= 1;
    }
  };
}
