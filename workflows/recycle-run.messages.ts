import { defineSignal } from '@temporalio/workflow';
import type { SiblingEnd } from '../contracts/run.ts';

/** A checkpoint of this run's training is in the store. Repeats are dropped. */
export const checkpointSignal = defineSignal<[{ readonly step: number; readonly modelDigest: string }]>('checkpoint');

/** Holds the run at its next safe point (a training saves and ends), or lets it go on. */
export const holdSignal = defineSignal<[{ readonly held: boolean }]>('hold');

/** An arm that runs beside this one has ended. Repeats change nothing. */
export const siblingSignal = defineSignal<[SiblingEnd]>('sibling');
