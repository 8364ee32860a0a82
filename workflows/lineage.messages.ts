import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Arm, LineageSpec } from '../contracts/lineage-spec.schema.ts';
import type { FamilySpec } from '../contracts/family.schema.ts';
import type { Applied, LineageState, Order, SpecChange, TransferState } from '../contracts/lineage-state.ts';
import type { Release } from '../contracts/release.ts';
import type { RunStage, Spent } from '../contracts/run.ts';

/** What an order led to; false: it had been carried out before. */
interface Changed {
  readonly changed: boolean;
}
type ReleaseOrder = Order & { readonly release: string };

/** Every order says who asks and why; all of these may be sent twice. */
export const applyUpdate = defineUpdate<
  { readonly applied: Applied; readonly changes?: readonly SpecChange[] },
  [Order & { readonly spec: LineageSpec }]
>('apply');
export const observeReleaseUpdate = defineUpdate<{ readonly observation: 'queued' | 'known' }, [Release]>(
  'observeRelease',
);
export const pauseUpdate = defineUpdate<Changed, [Order]>('pause');
export const resumeUpdate = defineUpdate<Changed, [Order]>('resume');
export const retryUpdate = defineUpdate<Changed, [ReleaseOrder]>('retry');
export const cancelUpdate = defineUpdate<Changed, [ReleaseOrder]>('cancel');
export const approveUpdate = defineUpdate<Changed, [ReleaseOrder]>('approve');
export const rejectUpdate = defineUpdate<Changed, [ReleaseOrder]>('reject');
/** Makes what was live before live again; with a release, what that one brought. Answers with what is live then. */
export const rollbackUpdate = defineUpdate<
  Changed & { readonly live: string },
  [Order & { readonly release: string | null }]
>('rollback');
/** The next release starts from the base again. */
export const restartUpdate = defineUpdate<Changed, [Order]>('restart');
/** A base that is no release of the lineage: where it lies, and its name there. */
export interface BaseElsewhere {
  readonly family: FamilySpec;
  readonly name: string;
}
/** A Δ of the lineage onto another base than the next release; ends when its run does. */
export const transferUpdate = defineUpdate<
  TransferState,
  [
    Order & {
      readonly from: string;
      readonly onto: { readonly release: string } | BaseElsewhere;
      readonly trains: boolean;
    },
  ]
>('transfer');
/** From the service itself: something that it could not do, for the log. */
export const noteTroubleUpdate = defineUpdate<Changed, [{ readonly what: string; readonly why: string }]>(
  'noteTrouble',
);

/** From a run to its lineage: the stage it has entered. */
export const stageSignal =
  defineSignal<[{ readonly release: string; readonly arm: Arm; readonly stage: RunStage }]>('stage');
/** From a run to its lineage, where that has a budget: what its training has taken by now. */
export const spentSignal =
  defineSignal<[{ readonly release: string; readonly arm: Arm; readonly spent: Spent }]>('spent');

export const stateQuery = defineQuery<LineageState>('state');
/** What applying a spec would change, and from when on. */
export const changesQuery = defineQuery<readonly SpecChange[], [LineageSpec]>('changes');
