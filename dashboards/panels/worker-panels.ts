import type { PanelSpec } from '../panel.ts';
import { by, core, coreHistogram, metric, orZero, rate } from '../query.ts';

/** Do the workers keep up: what Temporal Core tells about queues, slots and failures. */
export function workerPanels(): readonly PanelSpec[] {
  return [
    {
      title: 'Slots used',
      shows: 'Tasks that the workers of each queue are working on.',
      bad: 'activity slots of a queue at their limit for long while activities wait (see the panel beside): add workers.',
      unit: 'none',
      shape: 'curves',
      query: by('sum', core('temporal_worker_task_slots_used'), ['task_queue', 'worker_type']),
    },
    {
      title: 'Slots free',
      shows: 'Tasks that the workers of each queue could take besides.',
      bad: '0 for long on a queue whose work is short, or no curve for a queue that has work: no worker serves it.',
      unit: 'none',
      shape: 'curves',
      query: by('sum', core('temporal_worker_task_slots_available'), ['task_queue', 'worker_type']),
    },
    {
      title: 'Activities waiting',
      shows: 'Seconds of waiting that starting activities bring per second: how many waited at a time, on average.',
      bad: 'above 0 for long on any queue but the GPUs’: work arrives faster than the workers take it.',
      unit: 'none',
      shape: 'curves',
      query: by('sum', rate(coreHistogram('temporal_activity_schedule_to_start_latency_seconds', 'sum')), [
        'task_queue',
      ]),
    },
    {
      title: 'Failed activity attempts',
      shows: 'Attempts that ended in a failure since the worker started, by activity; retries follow by themselves.',
      bad: 'a count that grows steadily: the activity fails at every attempt; Temporal shows the failure.',
      unit: 'none',
      shape: 'bars',
      query: orZero(
        by('sum', core('temporal_activity_execution_failed_total'), ['activity_type']),
        by('sum', coreHistogram('temporal_activity_execution_latency_seconds', 'count'), ['activity_type']),
      ),
    },
    {
      title: 'Time in workflow code',
      shows: 'Seconds of workflow tasks per second: how many workflow tasks ran at a time, on average.',
      bad: 'near 1 per processor: workflows compute instead of waiting, or histories grew too long to replay quickly.',
      unit: 'none',
      shape: 'curves',
      query: by('sum', rate(coreHistogram('temporal_workflow_task_execution_latency_seconds', 'sum')), [
        'workflow_type',
      ]),
    },
    {
      title: 'Temporal Core answered',
      shows: 'Whether every worker’s page has the metrics of Temporal Core; one that lacks them makes it false.',
      bad: 'false: the panels of this row stand still, though the worker may be well.',
      unit: 'bool',
      shape: 'figure',
      query: by('min', metric('coreScrapeOk'), []),
    },
  ];
}
