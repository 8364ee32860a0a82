import { proxySinks, type Sink, type Sinks } from '@temporalio/workflow';
import type { CurveState } from '../contracts/curve.schema.ts';
import type { RunKey } from '../contracts/run.ts';

/** What workflows show without an activity: gauges only, best effort, never business facts. */
export interface LineageSinks extends Sinks {
  readonly lineageMetrics: LineageMetricsSink;
  readonly runMetrics: RunMetricsSink;
}

interface LineageMetricsSink extends Sink {
  paused(lineage: string, paused: boolean): void;
}

interface RunMetricsSink extends Sink {
  converged(key: RunKey, state: CurveState): void;
}

export const { lineageMetrics, runMetrics } = proxySinks<LineageSinks>();
