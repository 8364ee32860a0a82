import type { ChildWorkflowOptions } from '@temporalio/workflow';
import type { LineageSpec } from '../../contracts/lineage-spec.schema.ts';

/** Of everything that a run does on the queues: lineages take turns, or teams where they are named. */
export function priorityOf({
  name,
  priority,
  team,
  share,
}: LineageSpec): NonNullable<ChildWorkflowOptions['priority']> {
  return {
    ...(priority !== undefined && { priorityKey: priority }),
    fairnessKey: team ?? name,
    ...(share !== undefined && { fairnessWeight: share }),
  };
}
