import { proxySinks, type Sink, type Sinks } from '@temporalio/workflow';

/** What workflows show without an activity: gauges only, best effort, never business facts. */
export interface LineageSinks extends Sinks {
  readonly lineageMetrics: LineageMetricsSink;
}

interface LineageMetricsSink extends Sink {
  paused(lineage: string, paused: boolean): void;
}

export const { lineageMetrics } = proxySinks<LineageSinks>();
