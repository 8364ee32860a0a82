import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  condition,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { taskQueue } from '../contracts/task-queues.ts';
import type { Arm } from '../contracts/lineage-spec.schema.ts';
import type { ArmState, Failure, LineageInput, LineageState, Order, ReleaseState } from '../contracts/lineage-state.ts';
import type { Release } from '../contracts/release.ts';
import type { RunInput } from '../contracts/run.ts';
import { comparesWithPlain } from '../policy/compares-with-plain.ts';
import * as policy from '../policy/lineage.ts';
import { io } from './activities.ts';
import * as messages from './lineage.messages.ts';
import { holdSignal, siblingSignal } from './recycle-run.messages.ts';
import type { recycleRun } from './recycle-run.ts';
import { lineageMetrics } from './sinks.ts';

/** Enough releases for a year of weeklies; the server may suggest it sooner. */
const RELEASES_PER_RUN = 50;

/**
 * A fine-tune kept current over a family, for years: takes releases in family order, runs the arms of one after the
 * other, and remembers what each left. Continue-as-new happens between releases only and carries the whole state.
 */
export async function lineage(input: LineageInput): Promise<never> {
  return new Lineage(input.carried ?? policy.createLineage(input.spec)).live();
}

/** A run that goes on now, and what it was started with. */
interface RunningArm {
  readonly child: ChildWorkflowHandle<typeof recycleRun>;
  readonly input: RunInput;
}

class Lineage {
  #state: LineageState;
  #concluded = 0;
  #releaseScope: CancellationScope | null = null;
  #running: string | null = null;
  readonly #children = new Map<string, RunningArm>();

  constructor(state: LineageState) {
    this.#state = state;
    this.#handleOrders();
    this.#handleReleases();
    setHandler(messages.stateQuery, () => this.#state);
    setHandler(messages.stageSignal, ({ release, arm, stage }) => {
      this.#change(policy.enterStage(this.#state, release, arm, stage));
    });
    lineageMetrics.paused(state.spec.name, state.paused !== null);
  }

  async live(): Promise<never> {
    for (;;) {
      await condition(() => policy.nextRelease(this.#state) !== null || this.#isDueAnew());
      const next = policy.nextRelease(this.#state);
      if (next !== null && !this.#isDueAnew()) await this.#run(next);
      if (this.#isDueAnew()) {
        await condition(allHandlersFinished);
        await continueAsNew<typeof lineage>({ spec: this.#state.spec, carried: this.#state });
      }
    }
  }

  #isDueAnew(): boolean {
    return workflowInfo().continueAsNewSuggested || this.#concluded >= RELEASES_PER_RUN;
  }

  /** All arms of one release side by side; then the comparison, then it is concluded. */
  async #run(entry: ReleaseState): Promise<void> {
    const { name } = entry.release;
    this.#change(policy.startRelease(this.#state, name));
    const arms = policy.findRelease(this.#state, name)?.arms.filter(({ status }) => status === 'waiting') ?? [];
    const scope = new CancellationScope();
    this.#releaseScope = scope;
    this.#running = name;
    await scope.run(() => Promise.all(arms.map((arm) => this.#runArm(entry, arm))));
    this.#releaseScope = null;
    this.#running = null;

    const concludedAt = new Date().toISOString();
    const recordDigest = await this.#recordRelease(entry, concludedAt);
    this.#change(policy.concludeRelease(this.#state, name, recordDigest, concludedAt));
    this.#concluded += 1;
  }

  /** Digest of the release record. Null where none can be written: the comparison is lost, the lineage goes on. */
  async #recordRelease({ release, observedAt }: ReleaseState, concludedAt: string): Promise<string | null> {
    const { spec } = this.#state;
    const arms = policy.findRelease(this.#state, release.name)?.arms ?? [];
    const previous = policy.previousRun(this.#state, release.name);
    try {
      const { recordDigest } = await io.concludeRelease({
        ...{ lineage: spec.name, release, arms, previous, observedAt, concludedAt },
      });
      return recordDigest;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { code, message } = failureOf(error);
      this.#change(policy.noteTrouble(this.#state, `record ${release.name}`, `${message} [${code}]`, concludedAt));
      return null;
    }
  }

  async #runArm(entry: ReleaseState, { arm, source }: ArmState): Promise<void> {
    const { spec, published, paused } = this.#state;
    const { release } = entry;
    const beside = policy.findRelease(this.#state, release.name)?.arms ?? [];
    const workflowId = `lineage/${spec.name}/run/${release.name}/${arm}`;
    const input: RunInput = {
      v: 1,
      lineage: spec.name,
      release,
      arm,
      production: arm === spec.strategy,
      source,
      spec,
      published,
      previous: policy.previousRun(this.#state, release.name),
      besidePlain: arm !== 'plain' && beside.some((other) => other.arm === 'plain' && other.status !== 'shared'),
      paused: paused !== null,
    };
    try {
      const child = await startChild<typeof recycleRun>('recycleRun', {
        workflowId,
        args: [input],
        taskQueue: taskQueue('control'),
        // A retried release runs every arm again, the one that had succeeded too; it finds its work in the store.
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: `${release.name}, arm ${arm}: ${source === null ? 'from the base' : `with Δ of ${source.fromRelease}`}`,
      });
      this.#children.set(workflowId, { child, input });
      await CancellationScope.nonCancellable(() => this.#tellMissed({ child, input }));
      const result = await child.result();
      this.#change(policy.endArm(this.#state, release.name, arm, { kind: 'succeeded', result }));
    } catch (error) {
      // Cancelled, a run whose worker is lost ends with a timeout.
      const outcome =
        isCancellation(error) || CancellationScope.current().consideredCancelled
          ? ({ kind: 'cancelled' } as const)
          : ({ kind: 'failed', failure: failureOf(error) } as const);
      this.#change(policy.endArm(this.#state, release.name, arm, outcome));
    } finally {
      this.#children.delete(workflowId);
      await this.#tellSiblings(arm);
    }
  }

  /** Runs that compare themselves with an arm beside them wait for its end. */
  async #tellSiblings(arm: Arm): Promise<void> {
    if (arm !== 'plain') return;
    await CancellationScope.nonCancellable(() =>
      Promise.all([...this.#children.values()].map((running) => this.#tellOfPlain(running))),
    );
  }

  async #tellOfPlain({ child, input }: RunningArm): Promise<void> {
    if (!comparesWithPlain(input)) return;
    const plain = policy.findRelease(this.#state, input.release.name)?.arms.find(({ arm }) => arm === 'plain');
    if (plain === undefined || plain.status === 'waiting' || plain.status === 'running') return;
    const { result } = plain;
    const end = { arm: plain.arm, result: result && { recordDigest: result.recordDigest, final: result.final } };
    await tell(() => child.signal(siblingSignal, end));
  }

  #handleReleases(): void {
    setHandler(
      messages.observeReleaseUpdate,
      (release) => {
        const { state, observation } = policy.observeRelease(this.#state, release, new Date().toISOString());
        this.#change(state);
        return { observation: observation === 'queued' ? 'queued' : 'known' };
      },
      {
        validator: (release: Release) => {
          if (policy.observeRelease(this.#state, release, '').observation !== 'moved') return;
          throw refusal(
            'RELEASE_MOVED',
            `Release ${release.name} is known to lineage ${this.#state.spec.name} with another digest; a release never changes: give the new content a new name.`,
          );
        },
      },
    );
  }

  #handleOrders(): void {
    setHandler(messages.applyUpdate, (order) => {
      const { state, applied } = policy.applySpec(this.#state, order.spec, order, new Date().toISOString());
      this.#change(state);
      return { applied };
    });
    setHandler(messages.pauseUpdate, (order) => this.#hold(policy.pauseLineage, order));
    setHandler(messages.resumeUpdate, (order) => this.#hold(policy.resumeLineage, order));
    setHandler(
      messages.retryUpdate,
      (order) => this.#order((at) => policy.retryRelease(this.#state, order.release, order, at)),
      {
        validator: ({ release }: { readonly release: string }) => {
          this.#requireRetryable(release);
        },
      },
    );
    setHandler(
      messages.cancelUpdate,
      (order) => {
        if (this.#running === order.release) this.#releaseScope?.cancel();
        return this.#order((at) => policy.cancelRelease(this.#state, order.release, order, at));
      },
      {
        validator: ({ release }: { readonly release: string }) => {
          this.#requireUnfinished(release);
        },
      },
    );
  }

  #order(change: (at: string) => LineageState): { readonly changed: boolean } {
    const before = this.#state;
    this.#change(change(new Date().toISOString()));
    return { changed: this.#state !== before };
  }

  async #hold(
    decide: (state: LineageState, order: Order, at: string) => LineageState,
    order: Order,
  ): Promise<{ readonly changed: boolean }> {
    const outcome = this.#order((at) => decide(this.#state, order, at));
    if (!outcome.changed) return outcome;
    const held = this.#isPaused();
    lineageMetrics.paused(this.#state.spec.name, held);
    await Promise.all([...this.#children.values()].map((running) => tellHeld(running, held)));
    return outcome;
  }

  /** What was ordered while a run was being started, when it could not hear it yet. */
  async #tellMissed(running: RunningArm): Promise<void> {
    const held = this.#isPaused();
    if (held !== running.input.paused) await tellHeld(running, held);
    await this.#tellOfPlain(running);
  }

  #isPaused(): boolean {
    return this.#state.paused !== null;
  }

  #requireRetryable(name: string): void {
    const entry = this.#require(name);
    if (policy.isRetryable(entry)) return;
    throw refusal(
      'RELEASE_NOT_RETRYABLE',
      `Release ${name} is ${entry.status}; only a failed or cancelled release can be retried.`,
    );
  }

  #requireUnfinished(name: string): void {
    const entry = this.#require(name);
    if (entry.status === 'waiting' || entry.status === 'running') return;
    throw refusal(
      'RELEASE_FINISHED',
      `Release ${name} is ${entry.status}; only a waiting or running release can be cancelled.`,
    );
  }

  #require(name: string): ReleaseState {
    const entry = policy.findRelease(this.#state, name);
    if (entry !== undefined) return entry;
    const known = this.#state.releases.map(({ release }) => release.name).join(', ');
    throw refusal(
      'RELEASE_UNKNOWN',
      `Lineage ${this.#state.spec.name} knows no release ${name}; it knows ${known === '' ? 'none yet' : known}.`,
    );
  }

  #change(state: LineageState): void {
    this.#state = state;
    const line = state.releases.map(({ release, status }) => `${release.name} ${status}`).join(' · ');
    setCurrentDetails(`**${state.spec.name}**${state.paused === null ? '' : ' (paused)'}: ${line}`);
  }
}

async function tellHeld({ child }: RunningArm, held: boolean): Promise<void> {
  await tell(() => child.signal(holdSignal, { held }));
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

/** The first coded cause of a failed run. */
function failureOf(error: unknown): Failure {
  if ((error instanceof ChildWorkflowFailure || error instanceof ActivityFailure) && error.cause !== undefined)
    return failureOf(error.cause);
  if (error instanceof ApplicationFailure) return { code: error.type ?? 'UNKNOWN', message: error.message };
  return { code: 'UNKNOWN', message: error instanceof Error ? error.message : String(error) };
}

function refusal(code: string, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code);
}
