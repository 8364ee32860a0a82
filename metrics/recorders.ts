import type { CATALOGUE, LabelNameOf, MetricKey } from './catalogue.ts';
import type { LabelName, LabelSet } from './labels.ts';

/** What all kinds have in common. */
interface Recorder {
  /** Removes the series that carry all of these labels; a metric without one of them keeps all of its series. */
  forget(labels: Partial<LabelSet<LabelName>>): void;
}

/** A value that goes up and down. Labels beyond the metric's own are left out, so a wider key may be passed. */
export interface GaugeRecorder<Name extends LabelName> extends Recorder {
  set(labels: LabelSet<Name>, value: number): void;
}

/** A value that only grows, from 0 at the process's start. */
export interface CounterRecorder<Name extends LabelName> extends Recorder {
  /** `by`: 1 unless told; negative is refused by an exception. */
  increment(labels: LabelSet<Name>, by?: number): void;
}

/** A distribution over the metric's buckets. */
export interface HistogramRecorder<Name extends LabelName> extends Recorder {
  observe(labels: LabelSet<Name>, value: number): void;
}

type RecorderOf<Key extends MetricKey> = (typeof CATALOGUE)[Key]['kind'] extends 'gauge'
  ? GaugeRecorder<LabelNameOf<Key>>
  : (typeof CATALOGUE)[Key]['kind'] extends 'counter'
    ? CounterRecorder<LabelNameOf<Key>>
    : HistogramRecorder<LabelNameOf<Key>>;

/** One recorder for each metric of the catalogue, with its labels checked by type. */
export type Recorders = { readonly [Key in MetricKey]: RecorderOf<Key> };
