import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ownsItsGroup } from '../../adapters/process/process-identity.ts';
import { isErrno } from '../../adapters/store/atomic-file.ts';
import { identitySchema, readSmall, readText } from '../../adapters/trainer/trainer-folder.ts';
import { readTrainingSteps } from '../../adapters/trainer/training-steps.ts';
import { RegraftError } from '../../contracts/error.ts';
import type { TrainingStep } from '../../contracts/training-step.schema.ts';
import { factsOf, groupRuns, isPending, programsOf, sendSignal } from './processes.ts';
import { waitFor } from './wait-for.ts';

const SIGTERM = 15;
/** A tiny model makes a step in milliseconds. */
const QUICKLY = { everyMs: 2 };
const BURST_MS = 4;

/** The newest trainer of one training folder, as a saboteur sees it. */
export class TrainerInFolder {
  readonly folder: string;
  /** Leader of its process group: launch.sh. */
  readonly #leader: number;
  /** The training program itself. */
  readonly program: number;

  private constructor(folder: string, leader: number, program: number) {
    this.folder = folder;
    this.#leader = leader;
    this.program = program;
  }

  /** Waits for one that runs. */
  static async find(folder: string): Promise<TrainerInFolder> {
    return waitFor(`a trainer runs in ${folder}`, async () => {
      const identity = await readSmall(folder, 'trainer.json', identitySchema);
      const [program] = identity === null ? [] : await programsOf(identity.pid);
      return identity === null || program === undefined ? null : new TrainerInFolder(folder, identity.pid, program);
    });
  }

  /** Every line of metrics.jsonl, in order. */
  async steps(): Promise<readonly TrainingStep[]> {
    return (await readTrainingSteps(this.folder, 0)).steps;
  }

  async newestStep(): Promise<number> {
    return (await this.steps()).at(-1)?.step ?? 0;
  }

  /** Stops the program, not its launcher, between two checkpoints and behind a step; returns the step it stopped after. */
  async freezeAfter(
    step: number,
    { steps, saveEvery }: { readonly steps: number; readonly saveEvery: number },
  ): Promise<number> {
    return waitFor(
      `the trainer in ${this.folder} is between two checkpoints after step ${String(step)}`,
      async () => {
        if ((await this.newestStep()) < step) return null;
        await this.freeze();
        const newest = await this.newestStep();
        if (newest >= steps - saveEvery) throw this.#tooLate(newest);
        if (newest % saveEvery !== 0) return newest;
        this.thaw(); // it may be saving
        return null;
      },
      QUICKLY,
    );
  }

  /**
   * Stops the program while it writes a checkpoint, not the first; returns the step of it. From a step on it goes on in
   * bursts that are shorter than a save, so that none is missed on a busy machine.
   */
  async freezeInSave({ steps, saveEvery }: { readonly steps: number; readonly saveEvery: number }): Promise<number> {
    const partial = path.join(this.folder, '.partial');
    await this.freezeAfter(saveEvery + 1, { steps, saveEvery });
    for (;;) {
      const saving = (await checkpointsIn(partial)).at(-1);
      if (saving !== undefined && saving > saveEvery) return saving;
      const newest = await this.newestStep();
      if (newest >= steps) throw this.#tooLate(newest);
      this.thaw();
      await setTimeout(BURST_MS);
      await this.freeze();
    }
  }

  /** Returns once it stands still. */
  async freeze(): Promise<void> {
    sendSignal(this.program, 'SIGSTOP');
    await waitFor(
      `process ${String(this.program)} stands still`,
      async () => {
        const facts = await factsOf(this.program);
        return facts === null || facts.state === 'T' || facts.state === 'Z';
      },
      QUICKLY,
    );
  }

  thaw(): void {
    sendSignal(this.program, 'SIGCONT');
  }

  /** To the whole group. */
  signal(signal: NodeJS.Signals): void {
    sendSignal(-this.#leader, signal);
  }

  /** Waits until somebody has asked the frozen program to save and end. */
  async untilToldToStop(withinMs: number): Promise<void> {
    const what = `somebody tells the trainer in ${this.folder} to save and end`;
    await waitFor(what, () => isPending(this.program, SIGTERM), { withinMs });
  }

  /** Waits until no process of its group is left. */
  async untilGone(withinMs = 30_000): Promise<void> {
    const what = `no process of the trainer in ${this.folder} is left`;
    await waitFor(what, async () => !(await groupRuns(this.#leader)), { withinMs });
  }

  async log(): Promise<string> {
    return (await readText(path.join(this.folder, 'trainer.log'))) ?? '';
  }

  #tooLate(step: number): RegraftError {
    return new RegraftError(
      'DRILL_TOO_LATE',
      `The trainer in ${this.folder} was at step ${String(step)} before the fault could be made: the machine is too busy; run the drill again by itself.`,
      { retryable: true },
    );
  }
}

/** Ends whatever is left of the trainer of a folder; for the end of a drill. */
export async function endTrainerIn(folder: string): Promise<void> {
  const identity = await readSmall(folder, 'trainer.json', identitySchema);
  if (identity !== null && (await ownsItsGroup(identity))) sendSignal(-identity.pid, 'SIGKILL');
}

/** Steps of the checkpoints that lie anywhere in a folder, finished or not, ascending. */
export async function checkpointsIn(folder: string): Promise<readonly number[]> {
  try {
    const names = await readdir(folder, { recursive: true });
    const steps = names.flatMap((name) => /(?:^|\/)checkpoint-([0-9]+)$/.exec(name)?.[1] ?? []).map(Number);
    return steps.sort((left, right) => left - right);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
