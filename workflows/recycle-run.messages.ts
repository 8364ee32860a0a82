import { defineSignal } from '@temporalio/workflow';
import type { ApprovalDecision } from '../contracts/gate.schema.ts';
import type { FinetuneSpec } from '../contracts/lineage-spec.schema.ts';
import type { PublishedModel, SiblingEnd } from '../contracts/run.ts';

/**
 * A checkpoint of this run's training is in the store. Repeats are dropped. `trainedSeconds`: in which a trainer was
 * launched by then, all attempts together.
 */
export const checkpointSignal =
  defineSignal<[{ readonly step: number; readonly modelDigest: string; readonly trainedSeconds?: number }]>(
    'checkpoint',
  );

/** Holds the run at its next safe point (a training saves and ends), or lets it go on. */
export const holdSignal = defineSignal<[{ readonly held: boolean }]>('hold');

/** An arm that runs beside this one has ended. Repeats change nothing. */
export const siblingSignal = defineSignal<[SiblingEnd]>('sibling');

/** A newer release is to be carried to: the run ends at a checkpoint, or before it trains. Repeats change nothing. */
export const supersedeSignal = defineSignal<[{ readonly by: string }]>('supersede');

/** A person's decision about the candidate. The first one counts. */
export const approvalSignal = defineSignal<[ApprovalDecision]>('approval');

/** How trainings are looked after from the next attempt on. */
export const superviseSignal = defineSignal<[FinetuneSpec]>('supervise');

/** Something else is live by now, after a rollback: what the gate has said of this run's candidate is to be said again. */
export const liveSignal = defineSignal<[PublishedModel]>('live');
