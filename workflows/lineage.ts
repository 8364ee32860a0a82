import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { ArmState, LineageInput, ReleaseState } from '../contracts/lineage-state.ts';
import type { Release } from '../contracts/release.ts';
import type { RunInput } from '../contracts/run.ts';
import { taskQueue } from '../contracts/task-queues.ts';
import { hasWaiting, superseder, takeNext } from '../policy/lineage/backlog.ts';
import * as life from '../policy/lineage/life.ts';
import { withheldBecause } from '../policy/lineage/live.ts';
import { noteSpent } from '../policy/lineage/spending.ts';
import { createLineage, findRelease, noteRecorded, noteTrouble, unrecordedOrders } from '../policy/lineage/state.ts';
import { io } from './activities.ts';
import * as messages from './lineage.messages.ts';
import { Book } from './lineage/book.ts';
import { failureOf, refusal } from './lineage/failures.ts';
import { handleOrders } from './lineage/orders.ts';
import { priorityOf } from './lineage/priority-of.ts';
import { RunningArms } from './lineage/running-arms.ts';
import { Transfers } from './lineage/transfers.ts';
import type { recycleRun } from './recycle-run.ts';
import { searchAttributesOf, showInSearch } from './search-attributes.ts';
import { lineageMetrics } from './sinks.ts';

/** Enough releases for a year of weeklies; the server may suggest it sooner. */
const RELEASES_PER_RUN = 50;

/**
 * A fine-tune kept current over a family, for years: takes releases as its backlog says, runs the arms of one, and remembers
 * what each left. Continue-as-new happens between releases only and carries the whole state.
 */
export async function lineage(input: LineageInput): Promise<never> {
  return new Lineage(input.carried ?? createLineage(input.spec)).live();
}

class Lineage {
  readonly #book: Book;
  readonly #arms: RunningArms;
  #concluded = 0;
  #releaseScope: CancellationScope | null = null;
  #running: string | null = null;

  constructor(state: NonNullable<LineageInput['carried']>) {
    this.#book = new Book(state);
    this.#arms = new RunningArms(this.#book);
    const transfers = new Transfers(this.#book);
    handleOrders(this.#book, this.#arms, {
      release: (name) => {
        if (this.#running === name) this.#releaseScope?.cancel();
      },
      transfer: (label) => transfers.cancel(label),
    });
    this.#handleReleases();
    this.#handleRuns();
    setHandler(messages.stateQuery, () => this.#book.state);
    lineageMetrics.paused(state.spec.name, state.paused !== null);
  }

  async live(): Promise<never> {
    for (;;) {
      await condition(() => hasWaiting(this.#book.state) || this.#isDueAnew());
      if (!this.#isDueAnew()) {
        const { state, next } = takeNext(this.#book.state, new Date().toISOString());
        this.#book.change(state);
        lineageMetrics.paused(state.spec.name, state.paused !== null);
        if (next !== null) await this.#run(next);
      }
      if (this.#isDueAnew()) {
        await condition(allHandlersFinished);
        const { state } = this.#book;
        await continueAsNew<typeof lineage>({ spec: state.spec, carried: state });
      }
    }
  }

  #isDueAnew(): boolean {
    return workflowInfo().continueAsNewSuggested || this.#concluded >= RELEASES_PER_RUN;
  }

  /** The arms of one release; then the comparison, then it is concluded. */
  async #run(entry: ReleaseState): Promise<void> {
    const { name } = entry.release;
    this.#book.change(life.startRelease(this.#book.state, name));
    showInSearch({ release: name, state: 'running' });
    const scope = new CancellationScope();
    this.#releaseScope = scope;
    this.#running = name;
    this.#arms.reset();
    const superseding = this.#supersedeWhenDue();
    await scope.run(() => this.#runArms(entry));
    this.#releaseScope = null;
    this.#running = null;
    await superseding;

    const concludedAt = new Date().toISOString();
    const recordDigest = await this.#recordRelease(entry, concludedAt);
    this.#book.change(life.concludeRelease(this.#book.state, name, recordDigest, concludedAt));
    this.#concluded += 1;
    showInSearch({ state: 'idle' });
  }

  /** Lets the runs end early once the backlog says so; returns when they have been told, or have ended before that. */
  async #supersedeWhenDue(): Promise<void> {
    await condition(() => this.#running === null || superseder(this.#book.state) !== null);
    const by = superseder(this.#book.state);
    if (this.#running !== null && by !== null) await this.#arms.supersede(by.release.name);
  }

  /** All side by side, or as many at a time as the spec allows; then plain first, for others wait for its end. */
  async #runArms(entry: ReleaseState): Promise<void> {
    const { state } = this.#book;
    const waiting = findRelease(state, entry.release.name)?.arms.filter(({ status }) => status === 'waiting') ?? [];
    const slots = Math.min(state.spec.concurrency ?? waiting.length, waiting.length);
    const isPlain = ({ arm }: ArmState): number => (arm === 'plain' ? 0 : 1);
    const queue =
      slots < waiting.length ? [...waiting].sort((left, right) => isPlain(left) - isPlain(right)) : [...waiting];
    const work = async (): Promise<void> => {
      for (let arm = queue.shift(); arm !== undefined; arm = queue.shift()) await this.#runArm(entry, arm);
    };
    await Promise.all(Array.from({ length: slots }, work));
  }

  /** Digest of the release record. Null where none can be written: the comparison is lost, the lineage goes on. */
  async #recordRelease({ release, observedAt }: ReleaseState, concludedAt: string): Promise<string | null> {
    const { state } = this.#book;
    const arms = findRelease(state, release.name)?.arms ?? [];
    const previous = life.previousRun(state, release.name);
    const orders = unrecordedOrders(state);
    const status = life.statusOf(arms);
    try {
      const { recordDigest } = await io.concludeRelease({
        ...{ lineage: state.spec.name, release, arms, previous, observedAt, concludedAt, status, orders },
      });
      this.#book.change(noteRecorded(this.#book.state, orders.length));
      return recordDigest;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { code, message } = failureOf(error);
      const why = `${message} [${code}]`;
      this.#book.change(noteTrouble(this.#book.state, `record ${release.name}`, why, concludedAt));
      return null;
    }
  }

  async #runArm(entry: ReleaseState, planned: ArmState): Promise<void> {
    const { name } = entry.release;
    const { arm, source } = planned;
    if (this.#arms.supersededBy !== null) {
      this.#book.change(life.endArm(this.#book.state, name, arm, { kind: 'superseded', result: null }));
      return;
    }
    const { spec } = this.#book.state;
    const workflowId = `lineage/${spec.name}/run/${name}/${arm}`;
    const input = this.#inputOf(entry, planned);
    try {
      const child = await startChild<typeof recycleRun>('recycleRun', {
        workflowId,
        args: [input],
        taskQueue: taskQueue('control'),
        // A retried release runs every arm again, the one that had succeeded too; it finds its work in the store.
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: `${name}, arm ${arm}: ${source === null ? 'from the base' : `with Δ of ${source.fromRelease}`}`,
        memo: { release: name, arm, source: source?.fromRelease ?? null },
        priority: priorityOf(spec),
        ...searchAttributesOf({ lineage: spec.name, release: name, arm, state: 'running' }),
      });
      await CancellationScope.nonCancellable(() => this.#arms.add({ child, input }));
      const result = await child.result();
      const kind = result.superseded === true ? 'superseded' : 'succeeded';
      this.#book.change(life.endArm(this.#book.state, name, arm, { kind, result }));
    } catch (error) {
      this.#book.change(life.endArm(this.#book.state, name, arm, outcomeOf(error)));
    } finally {
      this.#arms.remove(workflowId);
      if (arm === 'plain') await CancellationScope.nonCancellable(() => this.#arms.tellOfPlain());
    }
  }

  #inputOf(entry: ReleaseState, { arm, source }: ArmState): RunInput {
    const { state } = this.#book;
    const { spec, published } = state;
    const { release } = entry;
    const beside = findRelease(state, release.name)?.arms ?? [];
    const withheld = withheldBecause(state, release);
    return {
      v: 1,
      lineage: spec.name,
      release,
      arm,
      production: arm === spec.strategy,
      source,
      spec,
      published,
      previous: life.previousRun(state, release.name),
      besidePlain: arm !== 'plain' && beside.some((other) => other.arm === 'plain' && other.status !== 'shared'),
      paused: state.paused !== null,
      ...(withheld !== null && { withheld }),
    };
  }

  #handleReleases(): void {
    setHandler(
      messages.observeReleaseUpdate,
      (release) => {
        const { state, observation } = life.observeRelease(this.#book.state, release, new Date().toISOString());
        this.#book.change(state);
        return { observation: observation === 'queued' ? 'queued' : 'known' };
      },
      {
        validator: (release: Release) => {
          if (life.observeRelease(this.#book.state, release, '').observation !== 'moved') return;
          throw refusal(
            'RELEASE_MOVED',
            `Release ${release.name} is known to lineage ${this.#book.name} with another digest; a release never changes: give the new content a new name.`,
          );
        },
      },
    );
  }

  #handleRuns(): void {
    setHandler(messages.stageSignal, ({ release, arm, stage }) => {
      this.#book.change(life.enterStage(this.#book.state, release, arm, stage));
    });
    setHandler(messages.spentSignal, ({ release, arm, spent }) => {
      this.#book.change(noteSpent(this.#book.state, release, arm, spent));
    });
  }
}

/** Cancelled, a run whose worker is lost ends with a timeout. */
function outcomeOf(error: unknown): life.ArmOutcome {
  if (isCancellation(error) || CancellationScope.current().consideredCancelled) return { kind: 'cancelled' };
  const failure = failureOf(error);
  return failure.code === 'RUN_SUPERSEDED' ? { kind: 'superseded', result: null } : { kind: 'failed', failure };
}
