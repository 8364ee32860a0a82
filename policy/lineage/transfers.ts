import type { DeltaSource } from '../../contracts/delta-source.ts';
import type { LineageState, Order, TransferState } from '../../contracts/lineage-state.ts';
import type { Release } from '../../contracts/release.ts';
import { deltaOf } from '../choose-source.ts';
import { entryOf, findRelease, withLog } from './state.ts';

/** Transfers that a state carries; what each made is in its run's record. */
const KEPT = 20;

/** The Δ that the production arm left at a release; null: there is none, or what its arms did is no longer in the state. */
export function transferSource(state: LineageState, release: string): DeltaSource | null {
  const entry = findRelease(state, release);
  const [production] = entry?.arms ?? [];
  return entry === undefined || production === undefined ? null : deltaOf(production.arm, entry);
}

/** What a transfer's run is called, in the store, in metrics and on Temporal's page. */
export function transferLabel(source: DeltaSource, onto: Release): string {
  return `${onto.name}+Δ${source.fromRelease}`;
}

export function findTransfer(state: LineageState, label: string): TransferState | undefined {
  return state.transfers?.findLast((transfer) => transfer.label === label);
}

/** Notes that a transfer begins; one of the same name that has ended makes room for it. */
export function beginTransfer(
  state: LineageState,
  transfer: Pick<TransferState, 'label' | 'onto' | 'source' | 'trains'>,
  order: Order,
  at: string,
): LineageState {
  const entry = entryOf(order, at, `transfer ${transfer.label}`);
  const others = (state.transfers ?? []).filter(({ label }) => label !== transfer.label);
  const begun = { ...transfer, status: 'running', result: null, failure: null, order: entry } as const;
  return withLog({ ...state, transfers: [...others, begun].slice(-KEPT) }, entry);
}

/** Notes how a transfer ended. It never goes live, and no release starts from what it made. */
export function endTransfer(
  state: LineageState,
  label: string,
  end: Pick<TransferState, 'status' | 'result' | 'failure'>,
): LineageState {
  const transfers = (state.transfers ?? []).map((one) => (one.label === label ? { ...one, ...end } : one));
  return { ...state, transfers };
}
