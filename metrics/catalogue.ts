import type { LabelName } from './labels.ts';

/** What a metric's number counts in; the metric's name says it too. */
export type MetricUnit =
  | 'nats'
  | 'steps'
  | 'seconds'
  | 'tokens'
  | 'score'
  | 'ratio'
  | 'rate'
  | 'norm'
  | 'cosine'
  /** 1 while something holds, 0 while it does not. */
  | 'flag'
  | 'starts'
  | 'ends'
  | 'resumes'
  | 'writes'
  | 'bytes'
  | 'runs'
  | 'releases'
  | 'publications'
  | 'rollbacks'
  | 'decisions';

interface MetricFacts {
  readonly name: `regraft_${string}`;
  /** One sentence, no full stop; shown beside the metric in every browser of metrics. */
  readonly help: string;
  readonly unit: MetricUnit;
  readonly labels: readonly LabelName[];
}

export type MetricDefinition =
  | (MetricFacts & { readonly kind: 'gauge' })
  | (MetricFacts & { readonly kind: 'counter'; readonly name: `regraft_${string}_total` })
  /** `buckets`: upper bounds, ascending, in the metric's unit; +Inf is added. */
  | (MetricFacts & { readonly kind: 'histogram'; readonly buckets: readonly number[] });

const RUN = ['lineage', 'release', 'arm'] as const;

/**
 * Every metric of Regraft: what the registry makes and all that a panel or an alert may name. Gauges show the newest
 * value of what is going on; the truth for curves by step is the run record. Why some things are never labels stands at
 * {@link LABELS}.
 */
export const CATALOGUE = {
  trainLossNats: {
    name: 'regraft_train_loss_nats',
    kind: 'gauge',
    help: 'Training loss of the newest logged step, mean over its tokens',
    unit: 'nats',
    labels: RUN,
  },
  trainStep: {
    name: 'regraft_train_step',
    kind: 'gauge',
    help: 'Newest logged fine-tuning step',
    unit: 'steps',
    labels: RUN,
  },
  trainStepsPlanned: {
    name: 'regraft_train_steps_planned',
    kind: 'gauge',
    help: 'Fine-tuning steps that the spec asks for',
    unit: 'steps',
    labels: RUN,
  },
  trainLearningRate: {
    name: 'regraft_train_learning_rate',
    kind: 'gauge',
    help: 'Learning rate of the newest logged step',
    unit: 'rate',
    labels: RUN,
  },
  trainGradientNorm: {
    name: 'regraft_train_gradient_norm',
    kind: 'gauge',
    help: 'Gradient norm of the newest logged step, before clipping',
    unit: 'norm',
    labels: RUN,
  },
  trainStepSeconds: {
    name: 'regraft_train_step_seconds',
    kind: 'gauge',
    help: 'Duration of the newest logged step',
    unit: 'seconds',
    labels: RUN,
  },
  trainTokensSeen: {
    name: 'regraft_train_tokens_seen',
    kind: 'gauge',
    help: 'Tokens that the run has trained on so far, replayed steps counted once',
    unit: 'tokens',
    labels: RUN,
  },
  evaluationScore: {
    name: 'regraft_evaluation_score',
    kind: 'gauge',
    help: 'Score at the newest evaluated checkpoint: share of samples right, or log-likelihood a token; higher is better',
    unit: 'score',
    labels: [...RUN, 'suite'],
  },
  evaluationLossNats: {
    name: 'regraft_evaluation_loss_nats',
    kind: 'gauge',
    help: 'Loss on the reference answers at the newest evaluated checkpoint',
    unit: 'nats',
    labels: [...RUN, 'suite'],
  },
  evaluationStep: {
    name: 'regraft_evaluation_step',
    kind: 'gauge',
    help: 'Fine-tuning step of the newest evaluated checkpoint, 0 for the start model',
    unit: 'steps',
    labels: [...RUN, 'suite'],
  },
  bestScore: {
    name: 'regraft_best_score',
    kind: 'gauge',
    help: 'Score of the checkpoint that a finished run kept, on its first suite',
    unit: 'score',
    labels: RUN,
  },
  stepsToTarget: {
    name: 'regraft_steps_to_target',
    kind: 'gauge',
    help: 'First step whose evaluation reached the final score of what it is held against; no series when never reached',
    unit: 'steps',
    labels: [...RUN, 'against'],
  },
  stepsSavedRatio: {
    name: 'regraft_steps_to_target_ratio',
    kind: 'gauge',
    help: 'Steps that what it is held against needed, divided by those of this arm; above 1: recycling saved steps',
    unit: 'ratio',
    labels: [...RUN, 'against'],
  },
  convergenceState: {
    name: 'regraft_convergence_state',
    kind: 'gauge',
    help: '1 for how the curve of a training stands, 0 for how it stood before',
    unit: 'flag',
    labels: [...RUN, 'state'],
  },
  earlyStopStepsSaved: {
    name: 'regraft_early_stop_steps_saved',
    kind: 'gauge',
    help: 'Steps of the budget that a finished run left untrained because its curve had come far enough',
    unit: 'steps',
    labels: RUN,
  },
  connectivityBarrierNats: {
    name: 'regraft_connectivity_barrier_nats',
    kind: 'gauge',
    help: 'Highest rise of the loss above the straight line between the losses of two models, on the line between them',
    unit: 'nats',
    labels: [...RUN, 'line'],
  },
  baseDriftRatio: {
    name: 'regraft_base_drift_ratio',
    kind: 'gauge',
    help: 'Norm of newer base minus older base, divided by the norm of the older base',
    unit: 'ratio',
    labels: RUN,
  },
  baseDriftCosine: {
    name: 'regraft_base_drift_cosine',
    kind: 'gauge',
    help: 'Cosine of the delta that is carried and the way the base went, -1 to 1',
    unit: 'cosine',
    labels: RUN,
  },
  deltaNorm: {
    name: 'regraft_delta_norm',
    kind: 'gauge',
    help: 'Euclidean norm over all parameters of the delta that the run left (tuned minus base)',
    unit: 'norm',
    labels: RUN,
  },
  trainingStarts: {
    name: 'regraft_training_starts_total',
    kind: 'counter',
    help: 'Trainings begun from the start model, resumed from a checkpoint or adopted while running',
    unit: 'starts',
    labels: ['lineage', 'arm', 'how'],
  },
  trainingEnds: {
    name: 'regraft_training_ends_total',
    kind: 'counter',
    help: 'Ends of trainers, by what kind of end it was',
    unit: 'ends',
    labels: ['lineage', 'arm', 'end'],
  },
  trainingContinuity: {
    name: 'regraft_training_continuity_total',
    kind: 'counter',
    help: 'Resumed trainings by how their replayed steps compare with what was logged before',
    unit: 'resumes',
    labels: ['lineage', 'arm', 'verdict'],
  },
  staleWritesRefused: {
    name: 'regraft_stale_writes_refused_total',
    kind: 'counter',
    help: 'Writes refused because another worker had taken the training over',
    unit: 'writes',
    labels: ['lineage', 'arm'],
  },
  trainMemoryBytes: {
    name: 'regraft_train_memory_bytes',
    kind: 'gauge',
    help: 'Peak memory of the trainer: of its process on a CPU, of the device on a GPU',
    unit: 'bytes',
    labels: RUN,
  },
  runStageSeconds: {
    name: 'regraft_run_stage_seconds',
    kind: 'histogram',
    help: 'Time that one attempt of a stage of a run took',
    unit: 'seconds',
    labels: ['lineage', 'arm', 'stage'],
    buckets: [0.1, 0.3, 1, 3, 10, 30, 60, 300, 900, 3600, 10_800, 21_600, 43_200, 86_400],
  },
  runStage: {
    name: 'regraft_run_stage',
    kind: 'gauge',
    help: '1 for the stage that a run is in, 0 for those it has left',
    unit: 'flag',
    labels: [...RUN, 'stage'],
  },
  runs: {
    name: 'regraft_runs_total',
    kind: 'counter',
    help: 'Runs that came to an end',
    unit: 'runs',
    labels: ['lineage', 'arm', 'outcome'],
  },
  releasesObserved: {
    name: 'regraft_releases_observed_total',
    kind: 'counter',
    help: 'Releases that a lineage took in',
    unit: 'releases',
    labels: ['lineage'],
  },
  releaseLagSeconds: {
    name: 'regraft_release_lag_seconds',
    kind: 'gauge',
    help: 'Time from first seeing a release to concluding its last arm',
    unit: 'seconds',
    labels: ['lineage', 'release'],
  },
  publications: {
    name: 'regraft_publications_total',
    kind: 'counter',
    help: 'Candidates that went live',
    unit: 'publications',
    labels: ['lineage'],
  },
  rollbacks: {
    name: 'regraft_rollbacks_total',
    kind: 'counter',
    help: 'Orders that made another release live again than the one that was',
    unit: 'rollbacks',
    labels: ['lineage'],
  },
  gateDecisions: {
    name: 'regraft_gate_decisions_total',
    kind: 'counter',
    help: 'Decisions of the gate on candidates',
    unit: 'decisions',
    labels: ['lineage', 'decision'],
  },
  lineagePaused: {
    name: 'regraft_lineage_paused',
    kind: 'gauge',
    help: '1 while a lineage is paused',
    unit: 'flag',
    labels: ['lineage'],
  },
  coreScrapeOk: {
    name: 'regraft_core_scrape_ok',
    kind: 'gauge',
    help: '1 when the metrics of Temporal Core answered and are part of this page',
    unit: 'flag',
    labels: [],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricKey = keyof typeof CATALOGUE;

/** Names of the labels that a metric carries. */
export type LabelNameOf<Key extends MetricKey> = (typeof CATALOGUE)[Key]['labels'][number];

/** Keys of all metrics of a kind. */
export type MetricKeyOfKind<Kind extends MetricDefinition['kind']> = {
  [Key in MetricKey]: (typeof CATALOGUE)[Key]['kind'] extends Kind ? Key : never;
}[MetricKey];
