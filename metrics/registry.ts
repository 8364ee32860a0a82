import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { CATALOGUE } from './catalogue.ts';
import type { MetricDefinition } from './catalogue.ts';
import type { LabelName, LabelSet } from './labels.ts';
import { createReleaseWindow } from './release-window.ts';
import type { CounterRecorder, GaugeRecorder, HistogramRecorder, Recorders } from './recorders.ts';

/** The metrics of one process: a recorder for each entry of the catalogue, and the page that Prometheus reads. */
export interface Metrics extends Recorders {
  /** Value of the page's Content-Type header. */
  readonly contentType: string;
  /** All metrics in Prometheus' text format, one newline at the end. */
  exposition(): Promise<string>;
  /**
   * Removes every series that carries this lineage and release (and arm, if given), so that a process does not show what
   * ended long ago. Series without these labels stay: counters are by lineage. Doing it twice changes nothing.
   */
  forget(run: LabelSet<'lineage' | 'release'> & Partial<LabelSet<'arm'>>): void;
  /**
   * Call before recording anything of a release: forgets those of its lineage that were touched longest ago, so that a
   * process that lives for years shows the newest eight of each lineage.
   */
  touch(run: LabelSet<'lineage' | 'release'>): void;
}

/**
 * Makes the metrics of a process in a registry of their own: nothing global, so two can live side by side in a test. A
 * metric without labels shows 0 from the start, one with labels shows nothing until its first value.
 */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const recorders = createRecorders(registry);
  const forget: Metrics['forget'] = (run) => {
    for (const recorder of Object.values(recorders)) recorder.forget(run);
  };
  const window = createReleaseWindow();
  return {
    ...recorders,
    contentType: registry.contentType,
    exposition: () => registry.metrics(),
    forget,
    touch: ({ lineage, release }) => {
      for (const old of window.touch(lineage, release)) forget({ lineage, release: old });
    },
  };
}

function createRecorders(registry: Registry): Recorders {
  return {
    trainLossNats: gauge(registry, CATALOGUE.trainLossNats),
    trainStep: gauge(registry, CATALOGUE.trainStep),
    trainStepsPlanned: gauge(registry, CATALOGUE.trainStepsPlanned),
    trainLearningRate: gauge(registry, CATALOGUE.trainLearningRate),
    trainGradientNorm: gauge(registry, CATALOGUE.trainGradientNorm),
    trainStepSeconds: gauge(registry, CATALOGUE.trainStepSeconds),
    trainTokensSeen: gauge(registry, CATALOGUE.trainTokensSeen),
    evaluationScore: gauge(registry, CATALOGUE.evaluationScore),
    evaluationLossNats: gauge(registry, CATALOGUE.evaluationLossNats),
    evaluationStep: gauge(registry, CATALOGUE.evaluationStep),
    bestScore: gauge(registry, CATALOGUE.bestScore),
    stepsToTarget: gauge(registry, CATALOGUE.stepsToTarget),
    stepsSavedRatio: gauge(registry, CATALOGUE.stepsSavedRatio),
    convergenceState: gauge(registry, CATALOGUE.convergenceState),
    earlyStopStepsSaved: gauge(registry, CATALOGUE.earlyStopStepsSaved),
    connectivityBarrierNats: gauge(registry, CATALOGUE.connectivityBarrierNats),
    baseDriftRatio: gauge(registry, CATALOGUE.baseDriftRatio),
    baseDriftCosine: gauge(registry, CATALOGUE.baseDriftCosine),
    deltaNorm: gauge(registry, CATALOGUE.deltaNorm),
    trainingStarts: counter(registry, CATALOGUE.trainingStarts),
    trainingEnds: counter(registry, CATALOGUE.trainingEnds),
    trainingContinuity: counter(registry, CATALOGUE.trainingContinuity),
    staleWritesRefused: counter(registry, CATALOGUE.staleWritesRefused),
    trainMemoryBytes: gauge(registry, CATALOGUE.trainMemoryBytes),
    runStageSeconds: histogram(registry, CATALOGUE.runStageSeconds),
    runStage: gauge(registry, CATALOGUE.runStage),
    runs: counter(registry, CATALOGUE.runs),
    releasesObserved: counter(registry, CATALOGUE.releasesObserved),
    releaseLagSeconds: gauge(registry, CATALOGUE.releaseLagSeconds),
    publications: counter(registry, CATALOGUE.publications),
    rollbacks: counter(registry, CATALOGUE.rollbacks),
    gateDecisions: counter(registry, CATALOGUE.gateDecisions),
    lineagePaused: gauge(registry, CATALOGUE.lineagePaused),
    coreScrapeOk: gauge(registry, CATALOGUE.coreScrapeOk),
  };
}

/** A definition of one kind that names its labels precisely. */
type Definition<Kind extends MetricDefinition['kind'], Name extends LabelName> = Extract<
  MetricDefinition,
  { readonly kind: Kind }
> & { readonly labels: readonly Name[] };

function gauge<Name extends LabelName>(registry: Registry, definition: Definition<'gauge', Name>): GaugeRecorder<Name> {
  const metric = new Gauge(configuration(registry, definition));
  const series = trackSeries(definition.labels, (labels) => {
    metric.remove(labels);
  });
  return {
    set: (labels, value) => {
      metric.set(series.note(labels), value);
    },
    forget: series.forget,
  };
}

function counter<Name extends LabelName>(
  registry: Registry,
  definition: Definition<'counter', Name>,
): CounterRecorder<Name> {
  const metric = new Counter(configuration(registry, definition));
  const series = trackSeries(definition.labels, (labels) => {
    metric.remove(labels);
  });
  return {
    increment: (labels, by = 1) => {
      metric.inc(series.note(labels), by);
    },
    forget: series.forget,
  };
}

function histogram<Name extends LabelName>(
  registry: Registry,
  definition: Definition<'histogram', Name>,
): HistogramRecorder<Name> {
  const metric = new Histogram({ ...configuration(registry, definition), buckets: [...definition.buckets] });
  const series = trackSeries(definition.labels, (labels) => {
    metric.remove(labels);
  });
  return {
    observe: (labels, value) => {
      metric.observe(series.note(labels), value);
    },
    forget: series.forget,
  };
}

function configuration(registry: Registry, { name, help, labels }: MetricDefinition) {
  return { name, help, labelNames: [...labels], registers: [registry] };
}

/** Remembers which series a metric has: prom-client removes one only by its full label set. */
function trackSeries<Name extends LabelName>(
  names: readonly Name[],
  remove: (labels: Readonly<Record<string, string>>) => void,
) {
  const known = new Map<string, Readonly<Record<string, string>>>();
  return {
    /** The metric's own labels out of what was given. */
    note: (labels: LabelSet<Name>): Readonly<Record<string, string>> => {
      const own = Object.fromEntries(names.map((name): [string, string] => [name, labels[name]]));
      known.set(JSON.stringify(own), own);
      return own;
    },
    forget: (match: Partial<LabelSet<LabelName>>): void => {
      const wanted = Object.entries(match);
      for (const [key, labels] of known) {
        if (!wanted.every(([name, value]) => labels[name] === value)) continue;
        remove(labels);
        known.delete(key);
      }
    },
  };
}
