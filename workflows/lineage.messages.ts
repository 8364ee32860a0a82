import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Arm, LineageSpec } from '../contracts/lineage-spec.schema.ts';
import type { Applied, LineageState, Order } from '../contracts/lineage-state.ts';
import type { Release } from '../contracts/release.ts';
import type { RunStage } from '../contracts/run.ts';

/** Every order says who asks and why; all of these may be sent twice. */
export const applyUpdate = defineUpdate<{ readonly applied: Applied }, [Order & { readonly spec: LineageSpec }]>(
  'apply',
);
export const observeReleaseUpdate = defineUpdate<{ readonly observation: 'queued' | 'known' }, [Release]>(
  'observeRelease',
);
export const pauseUpdate = defineUpdate<{ readonly changed: boolean }, [Order]>('pause');
export const resumeUpdate = defineUpdate<{ readonly changed: boolean }, [Order]>('resume');
export const retryUpdate = defineUpdate<{ readonly changed: boolean }, [Order & { readonly release: string }]>('retry');
export const cancelUpdate = defineUpdate<{ readonly changed: boolean }, [Order & { readonly release: string }]>(
  'cancel',
);

/** From a run to its lineage: the stage it has entered. */
export const stageSignal =
  defineSignal<[{ readonly release: string; readonly arm: Arm; readonly stage: RunStage }]>('stage');

export const stateQuery = defineQuery<LineageState>('state');
