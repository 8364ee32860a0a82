import { ApplicationFailure, type ChildWorkflowHandle } from '@temporalio/workflow';
import type { ApprovalDecision } from '../../contracts/gate.schema.ts';
import type { FinetuneSpec } from '../../contracts/lineage-spec.schema.ts';
import type { PublishedModel, RunInput, SiblingEnd } from '../../contracts/run.ts';
import { comparesWithPlain } from '../../policy/compares-with-plain.ts';
import { findRelease } from '../../policy/lineage/state.ts';
import {
  approvalSignal,
  holdSignal,
  liveSignal,
  siblingSignal,
  supersedeSignal,
  superviseSignal,
} from '../recycle-run.messages.ts';
import type { recycleRun } from '../recycle-run.ts';
import type { Book } from './book.ts';

/** A run that goes on now, and what it was started with. */
export interface RunningArm {
  readonly child: ChildWorkflowHandle<typeof recycleRun>;
  readonly input: RunInput;
}

/** The runs of the release that is worked on, and what they are told. */
export class RunningArms {
  readonly #book: Book;
  readonly #running = new Map<string, RunningArm>();
  #supersededBy: string | null = null;

  constructor(book: Book) {
    this.#book = book;
  }

  /** The release that the runs are to end early for. */
  get supersededBy(): string | null {
    return this.#supersededBy;
  }

  /** Another release begins. */
  reset(): void {
    this.#supersededBy = null;
  }

  /** Takes a run in, and tells it what was ordered while it was being started, when it could not hear it yet. */
  async add(running: RunningArm): Promise<void> {
    this.#running.set(running.child.workflowId, running);
    const held = this.#book.isPaused;
    if (held !== running.input.paused) await tell(() => running.child.signal(holdSignal, { held }));
    await this.#tellOfPlain(running);
    if (this.#supersededBy !== null) await this.#tellSuperseded(running, this.#supersededBy);
  }

  remove(workflowId: string): void {
    this.#running.delete(workflowId);
  }

  hold(held: boolean): Promise<void> {
    return this.#tellAll(({ child }) => tell(() => child.signal(holdSignal, { held })));
  }

  supersede(by: string): Promise<void> {
    this.#supersededBy = by;
    return this.#tellAll((running) => this.#tellSuperseded(running, by));
  }

  supervise(finetune: FinetuneSpec): Promise<void> {
    return this.#tellAll(({ child }) => tell(() => child.signal(superviseSignal, finetune)));
  }

  /** Production alone asks. */
  approve(decision: ApprovalDecision): Promise<void> {
    return this.#tellAll(async ({ child, input }) => {
      if (input.production) await tell(() => child.signal(approvalSignal, decision));
    });
  }

  /** After a rollback; production alone is judged against what is live. */
  tellLive(live: PublishedModel): Promise<void> {
    return this.#tellAll(async ({ child, input }) => {
      if (input.production) await tell(() => child.signal(liveSignal, live));
    });
  }

  /** Runs that compare themselves with the plain arm beside them wait for its end. */
  tellOfPlain(): Promise<void> {
    return this.#tellAll((running) => this.#tellOfPlain(running));
  }

  async #tellOfPlain({ child, input }: RunningArm): Promise<void> {
    if (!comparesWithPlain(input)) return;
    const plain = findRelease(this.#book.state, input.release.name)?.arms.find(({ arm }) => arm === 'plain');
    if (plain === undefined || plain.status === 'waiting' || plain.status === 'running') return;
    const { result, status } = plain;
    const counts = result !== null && status === 'succeeded';
    const end: SiblingEnd = {
      arm: plain.arm,
      result: counts ? { recordDigest: result.recordDigest, final: result.final } : null,
    };
    await tell(() => child.signal(siblingSignal, end));
  }

  #tellSuperseded({ child }: RunningArm, by: string): Promise<void> {
    return tell(() => child.signal(supersedeSignal, { by }));
  }

  async #tellAll(telling: (running: RunningArm) => Promise<void>): Promise<void> {
    await Promise.all([...this.#running.values()].map(telling));
  }
}

/** A run that has just ended is told in vain: nothing is left to change. */
async function tell(signal: () => Promise<void>): Promise<void> {
  try {
    await signal();
  } catch (error) {
    if (error instanceof ApplicationFailure && error.type === 'ExternalWorkflowExecutionNotFound') return;
    throw error;
  }
}
