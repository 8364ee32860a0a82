/**
 * The metrics of Temporal Core that a panel may name, with the labels a panel may group by. Names hold with
 * `countersTotalSuffix`, `unitSuffix` and `useSecondsForDurations` set on the runtime. Each exists once a worker has done
 * one workflow task and one activity, save the failures: those show from the first failure on.
 */
export const CORE_METRICS = {
  temporal_activity_execution_failed_total: { kind: 'counter', labels: ['task_queue', 'activity_type'] },
  temporal_activity_execution_latency_seconds: { kind: 'histogram', labels: ['task_queue', 'activity_type'] },
  temporal_activity_schedule_to_start_latency_seconds: { kind: 'histogram', labels: ['task_queue'] },
  temporal_worker_task_slots_available: { kind: 'gauge', labels: ['task_queue', 'worker_type'] },
  temporal_worker_task_slots_used: { kind: 'gauge', labels: ['task_queue', 'worker_type'] },
  temporal_workflow_task_execution_latency_seconds: { kind: 'histogram', labels: ['task_queue', 'workflow_type'] },
} as const satisfies Readonly<
  Record<`temporal_${string}`, { readonly kind: 'gauge' | 'counter' | 'histogram'; readonly labels: readonly string[] }>
>;

export type CoreMetricName = keyof typeof CORE_METRICS;

/** Names of the labels that a panel may group a Core metric by. */
export type CoreLabelOf<Name extends CoreMetricName> = (typeof CORE_METRICS)[Name]['labels'][number];

/** Names of all Core metrics of a kind. */
export type CoreMetricOfKind<Kind extends 'gauge' | 'counter' | 'histogram'> = {
  [Name in CoreMetricName]: (typeof CORE_METRICS)[Name]['kind'] extends Kind ? Name : never;
}[CoreMetricName];
