import type { UpdateDefinition } from '@temporalio/common';
import type { Order, TransferState } from '../contracts/lineage-state.ts';
import * as messages from '../workflows/lineage.messages.ts';
import type { LineageChannel } from './lineage-channel.ts';

/** A rollback waits for a run that is going live, and copies what is gone. */
const GOING_BACK_WITHIN_MS = 3_600_000;

/** False: it had been carried out before. */
interface Changed {
  readonly changed: boolean;
}

/** What a one-off transfer adds, to what. */
export interface Transfer {
  /** The release whose production arm left the Δ. */
  readonly from: string;
  /** A release of the lineage, or any base. */
  readonly onto: { readonly release: string } | messages.BaseElsewhere;
  /** Fine-tune after the merge, as the lineage's spec says. */
  readonly trains: boolean;
}

/** Orders that people give. Each may be given twice; each carries who and why. */
export interface LineageOrders {
  pause(name: string, order: Order): Promise<Changed>;
  resume(name: string, order: Order): Promise<Changed>;
  retry(name: string, release: string, order: Order): Promise<Changed>;
  cancel(name: string, release: string, order: Order): Promise<Changed>;
  /** Lets a candidate that waits for approval go live. @throws APPROVAL_NOT_AWAITED, APPROVAL_DECIDED */
  approve(name: string, release: string, order: Order): Promise<Changed>;
  reject(name: string, release: string, order: Order): Promise<Changed>;
  /** Makes what a release brought live again; null: what was live before the newest. @throws ROLLBACK_IMPOSSIBLE */
  rollback(name: string, release: string | null, order: Order): Promise<Changed & { readonly live: string }>;
  /**
   * Adds a release's Δ to another base, as a run of its own that is never live; answers when that has ended. Ordered again,
   * it waits for the same run, or finds its work done. @throws TRANSFER_NO_DELTA, RELEASE_UNKNOWN
   */
  transfer(name: string, transfer: Transfer, order: Order): Promise<TransferState>;
  /** The next release starts from the base again. */
  restart(name: string, order: Order): Promise<Changed>;
}

/** Orders through a channel. Errors of all: LINEAGE_NOT_FOUND, LINEAGE_NOT_ANSWERING, RELEASE_UNKNOWN. */
export function createOrders(channel: LineageChannel): LineageOrders {
  const send =
    <Input extends Order>(update: UpdateDefinition<Changed, [Input]>) =>
    (name: string, input: Input): Promise<Changed> =>
      channel.ask(name, () => channel.handle(name).executeUpdate(update, { args: [input] }));
  return {
    pause: (name, order) => send(messages.pauseUpdate)(name, order),
    resume: (name, order) => send(messages.resumeUpdate)(name, order),
    restart: (name, order) => send(messages.restartUpdate)(name, order),
    retry: (name, release, order) => send(messages.retryUpdate)(name, { ...order, release }),
    cancel: (name, release, order) => send(messages.cancelUpdate)(name, { ...order, release }),
    approve: (name, release, order) => send(messages.approveUpdate)(name, { ...order, release }),
    reject: (name, release, order) => send(messages.rejectUpdate)(name, { ...order, release }),
    rollback: (name, release, order) =>
      channel.ask(
        name,
        () => channel.handle(name).executeUpdate(messages.rollbackUpdate, { args: [{ ...order, release }] }),
        GOING_BACK_WITHIN_MS,
      ),
    transfer: (name, transfer, order) =>
      channel.inWords(name, () =>
        channel.handle(name).executeUpdate(messages.transferUpdate, { args: [{ ...order, ...transfer }] }),
      ),
  };
}
