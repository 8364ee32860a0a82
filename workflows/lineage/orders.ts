import { setHandler } from '@temporalio/workflow';
import type { ApprovalDecision } from '../../contracts/gate.schema.ts';
import type { LineageState, Order, ReleaseState } from '../../contracts/lineage-state.ts';
import { decideApproval, fitsDecision } from '../../policy/lineage/approval.ts';
import * as decide from '../../policy/lineage/orders.ts';
import { askForRestart } from '../../policy/lineage/restart.ts';
import { findRelease, noteTrouble } from '../../policy/lineage/state.ts';
import { findTransfer } from '../../policy/lineage/transfers.ts';
import { specChanges } from '../../policy/spec-changes.ts';
import * as messages from '../lineage.messages.ts';
import { lineageMetrics } from '../sinks.ts';
import type { Book } from './book.ts';
import { refusal } from './failures.ts';
import { handleRollback } from './rollback.ts';
import type { RunningArms } from './running-arms.ts';

interface Changed {
  readonly changed: boolean;
}
type ReleaseOrder = Order & { readonly release: string };

/** Ends what runs. */
interface Cancel {
  release(name: string): void;
  /** Whether there was one to end. */
  transfer(label: string): boolean;
}

/** Takes the orders that people give. Each may come twice; one that makes no sense is refused before it enters history. */
export function handleOrders(book: Book, arms: RunningArms, cancel: Cancel): void {
  handleApply(book, arms);
  handleHolds(book, arms);
  handleReleaseOrders(book, cancel);
  handleApprovals(book, arms);
  handleRollback(book, arms);
  setHandler(messages.restartUpdate, (order) => book.order((state, at) => askForRestart(state, order, at)));
  setHandler(messages.noteTroubleUpdate, ({ what, why }) =>
    book.order((state, at) => noteTrouble(state, what, why, at)),
  );
}

/** Running trainings hear of how they are looked after; what else changed counts from the next release on. */
function handleApply(book: Book, arms: RunningArms): void {
  setHandler(messages.changesQuery, (spec) => specChanges(book.state.spec, spec));
  setHandler(messages.applyUpdate, async (order) => {
    const changes = specChanges(book.state.spec, order.spec);
    const { state, applied } = decide.applySpec(book.state, order.spec, order, new Date().toISOString());
    book.change(state);
    if (applied === 'created') return { applied };
    if (changes.some(({ applies }) => applies === 'next attempt')) await arms.supervise(order.spec.finetune);
    return { applied, changes };
  });
}

function handleHolds(book: Book, arms: RunningArms): void {
  const hold =
    (change: (state: LineageState, order: Order, at: string) => LineageState) =>
    async (order: Order): Promise<Changed> => {
      const outcome = book.order((state, at) => change(state, order, at));
      if (!outcome.changed) return outcome;
      const held = book.isPaused;
      lineageMetrics.paused(book.name, held);
      await arms.hold(held);
      return outcome;
    };
  setHandler(messages.pauseUpdate, hold(decide.pauseLineage));
  setHandler(messages.resumeUpdate, hold(decide.resumeLineage));
}

function handleReleaseOrders(book: Book, cancel: Cancel): void {
  setHandler(
    messages.retryUpdate,
    (order) => book.order((state, at) => decide.retryRelease(state, order.release, order, at)),
    {
      validator: ({ release }: ReleaseOrder) => {
        const entry = requireRelease(book, release);
        if (decide.fitsRetry(entry) !== 'refused') return;
        throw refusal(
          'RELEASE_NOT_RETRYABLE',
          `Release ${release} is ${entry.status}; only one that failed, or was cancelled, skipped or superseded, can be retried.`,
        );
      },
    },
  );
  setHandler(
    messages.cancelUpdate,
    (order) => {
      if (findTransfer(book.state, order.release) !== undefined) return { changed: cancel.transfer(order.release) };
      const outcome = book.order((state, at) => decide.cancelRelease(state, order.release, order, at));
      if (outcome.changed) cancel.release(order.release);
      return outcome;
    },
    {
      validator: ({ release }: ReleaseOrder) => {
        if (findTransfer(book.state, release) !== undefined) return;
        const entry = requireRelease(book, release);
        if (decide.fitsCancel(entry) !== 'refused') return;
        throw refusal(
          'RELEASE_FINISHED',
          `Release ${release} is ${entry.status}; only a waiting or running release can be cancelled.`,
        );
      },
    },
  );
}

function handleApprovals(book: Book, arms: RunningArms): void {
  const decided = (decision: 'approved' | 'rejected') => ({
    handler: async (order: ReleaseOrder): Promise<Changed> => {
      const outcome = book.order((state, at) => decideApproval(state, order.release, decision, order, at));
      const taken = findRelease(book.state, order.release)?.arms[0]?.approval;
      if (outcome.changed && taken !== undefined) await arms.approve(taken);
      return outcome;
    },
    options: {
      validator: ({ release }: ReleaseOrder) => {
        const entry = requireRelease(book, release);
        if (fitsDecision(book.state, release, decision) !== 'refused') return;
        throw approvalRefusal(entry);
      },
    },
  });
  const [approve, reject] = [decided('approved'), decided('rejected')];
  setHandler(messages.approveUpdate, approve.handler, approve.options);
  setHandler(messages.rejectUpdate, reject.handler, reject.options);
}

function approvalRefusal({ release, status, arms: [production] }: ReleaseState): Error {
  const taken: ApprovalDecision | undefined = production?.result?.approval ?? production?.approval;
  if (taken !== undefined) {
    return refusal(
      'APPROVAL_DECIDED',
      `The candidate of ${release.name} was ${taken.decision} by ${taken.actor} (${taken.reason}); what is live is changed by \`regraft rollback\` or by the next release.`,
    );
  }
  const stage = production?.status === 'running' ? `, in stage ${production.stage ?? 'none yet'}` : '';
  return refusal(
    'APPROVAL_NOT_AWAITED',
    `No candidate of ${release.name} waits for approval: the release is ${status}${stage}; one does when it has passed a gate with \`approval\`.`,
  );
}

function requireRelease(book: Book, name: string): ReleaseState {
  const entry = findRelease(book.state, name);
  if (entry !== undefined) return entry;
  const known = book.state.releases.map(({ release }) => release.name);
  throw refusal('RELEASE_UNKNOWN', `Lineage ${book.name} knows no release ${name}; it knows ${sayKnown(known)}.`);
}

/** A family may have hundreds. */
function sayKnown(known: readonly string[]): string {
  const shown = known.slice(-10).join(', ');
  if (known.length === 0) return 'none yet';
  return known.length > 10 ? `${String(known.length)}, the newest of which are ${shown}` : shown;
}
