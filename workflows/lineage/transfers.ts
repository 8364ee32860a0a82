import { CancellationScope, condition, executeChild, isCancellation, setHandler } from '@temporalio/workflow';
import type { DeltaSource } from '../../contracts/delta-source.ts';
import type { Order, TransferState } from '../../contracts/lineage-state.ts';
import type { Release } from '../../contracts/release.ts';
import { taskQueue } from '../../contracts/task-queues.ts';
import { findRelease } from '../../policy/lineage/state.ts';
import {
  beginTransfer,
  endTransfer,
  findTransfer,
  transferLabel,
  transferSource,
} from '../../policy/lineage/transfers.ts';
import { io } from '../activities.ts';
import * as messages from '../lineage.messages.ts';
import type { recycleRun } from '../recycle-run.ts';
import { searchAttributesOf } from '../search-attributes.ts';
import type { Book } from './book.ts';
import { failureOf, refusal } from './failures.ts';
import { priorityOf } from './priority-of.ts';

/** The order for a transfer: whose Δ, and what it is added to. */
export type TransferOrder = Order & {
  readonly from: string;
  /** A release of the lineage, or a base elsewhere. */
  readonly onto: { readonly release: string } | messages.BaseElsewhere;
  /** Fine-tune after the merge. */
  readonly trains: boolean;
};

/** Takes transfers: each is a run beside the releases, never judged and never live. The update ends when its run does. */
export class Transfers {
  readonly #book: Book;
  readonly #scopes = new Map<string, CancellationScope>();

  constructor(book: Book) {
    this.#book = book;
    setHandler(messages.transferUpdate, (order) => this.#take(order), {
      validator: (order: TransferOrder) => {
        this.#requireSource(order.from);
        if ('release' in order.onto) this.#requireRelease(order.onto.release);
      },
    });
  }

  /** Whether there was one to cancel. */
  cancel(label: string): boolean {
    this.#scopes.get(label)?.cancel();
    return this.#scopes.has(label);
  }

  /** The same transfer ordered while it runs is waited for, not begun again. */
  async #take(order: TransferOrder): Promise<TransferState> {
    const source = this.#requireSource(order.from);
    const onto = 'release' in order.onto ? this.#requireRelease(order.onto.release) : await this.#pin(order.onto);
    const label = transferLabel(source, onto);
    if (!this.#scopes.has(label)) await this.#run({ label, onto, source, trains: order.trains }, order);
    await condition(() => !this.#scopes.has(label));
    const ended = findTransfer(this.#book.state, label);
    if (ended === undefined) throw refusal('TRANSFER_FORGOTTEN', `Transfer ${label} ended too long ago.`);
    return ended;
  }

  /** Pinned for this order: what lies elsewhere may change until the next. */
  #pin({ family, name }: messages.BaseElsewhere): Promise<Release> {
    const at = `${name} of ${new Date().toISOString()}`;
    return io.pinRelease({ lineage: this.#book.name, family, name: at, of: name, position: [] }).then((pinned) => ({
      ...pinned,
      name: `${name}@${pinned.digest.slice(0, 12)}`,
    }));
  }

  async #run(
    transfer: Pick<TransferState, 'label' | 'onto' | 'source' | 'trains'>,
    order: TransferOrder,
  ): Promise<void> {
    const { label } = transfer;
    const scope = new CancellationScope();
    this.#scopes.set(label, scope);
    this.#book.order((state, at) => beginTransfer(state, transfer, order, at));
    try {
      const result = await scope.run(() => this.#child(transfer));
      this.#book.change(endTransfer(this.#book.state, label, { status: 'succeeded', result, failure: null }));
    } catch (error) {
      const isCancelled = isCancellation(error) || scope.consideredCancelled;
      const failure = isCancelled ? null : failureOf(error);
      const status = isCancelled ? 'cancelled' : 'failed';
      this.#book.change(endTransfer(this.#book.state, label, { status, result: null, failure }));
    } finally {
      this.#scopes.delete(label);
    }
  }

  #child({
    label,
    onto,
    source,
    trains,
  }: Pick<TransferState, 'label' | 'onto' | 'source' | 'trains'>): ReturnType<typeof recycleRun> {
    const { spec, published } = this.#book.state;
    const arm = trains ? 'iterative' : 'transfer-only';
    return executeChild<typeof recycleRun>('recycleRun', {
      workflowId: `lineage/${spec.name}/transfer/${label}/${arm}`,
      args: [
        {
          ...{ v: 1, lineage: spec.name, release: { ...onto, name: label }, arm, production: false, source, spec },
          ...{ published, previous: null, besidePlain: false, paused: false },
        },
      ],
      taskQueue: taskQueue('control'),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `Δ of ${source.fromRelease} onto ${onto.name}`,
      priority: priorityOf(spec),
      ...searchAttributesOf({ lineage: spec.name, release: label, arm, state: 'running' }),
    });
  }

  #requireSource(release: string): DeltaSource {
    const source = transferSource(this.#book.state, release);
    if (source !== null) return source;
    const { releases } = this.#book.state;
    const having = releases.filter((entry) => transferSource(this.#book.state, entry.release.name) !== null);
    const names = having.map((entry) => entry.release.name).join(', ');
    throw refusal(
      'TRANSFER_NO_DELTA',
      `Lineage ${this.#book.name} has no Δ of ${release} at hand; it has those of ${names === '' ? 'no release yet' : names}.`,
    );
  }

  #requireRelease(name: string): Release {
    const found = findRelease(this.#book.state, name);
    if (found !== undefined) return found.release;
    throw refusal(
      'RELEASE_UNKNOWN',
      `Lineage ${this.#book.name} knows no release ${name}; name one of its own, a model folder, or a repo of the Hub as OWNER/NAME.`,
    );
  }
}
