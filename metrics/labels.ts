/**
 * Every label a metric may carry. A list: only these values occur; null: names that people choose, of which a process
 * shows a bounded number (lineages are declared by hand, releases leave through the release window, suites stand in the
 * lineage's spec).
 *
 * A step number and a run id are never labels: each value would open a new series that Prometheus keeps for its whole
 * retention, a 30,000-step training would leave 30,000 of them, and no panel asks for one step. The step is the value of
 * `regraft_train_step`; the curve by step is in the run record.
 */
export const LABELS = {
  lineage: null,
  release: null,
  suite: null,
  arm: ['plain', 'direct', 'iterative', 'auto', 'transfer-only'],
  stage: [
    ...(['inspect', 'recycle', 'baseline', 'probe', 'decide'] as const),
    ...(['finetune', 'difference', 'gate', 'approval', 'publish', 'record'] as const),
  ],
  how: ['started', 'resumed', 'adopted'],
  /** Classes of ends (policy/trainer-exit.ts). */
  end: ['done', 'refused', 'out-of-memory', 'diverged', 'preempted', 'infrastructure', 'stopped'],
  verdict: ['verified', 'broken', 'nothing to compare'],
  outcome: ['succeeded', 'superseded', 'failed', 'cancelled'],
  decision: ['pass', 'reject'],
  /** What a curve is held against. */
  against: ['plain', 'previous', 'declared'],
  /** How a curve stands. */
  state: ['improving', 'plateau', 'target reached', 'diverging', 'not a number', 'budget spent'],
  /** Between which models. */
  line: ['bases', 'tuned'],
} as const satisfies Readonly<Record<string, readonly string[] | null>>;

export type LabelName = keyof typeof LABELS;

/** What each label may hold: one of its list, or any string where people choose the names. */
export type LabelValues = {
  readonly [Name in LabelName]: (typeof LABELS)[Name] extends readonly (infer Value)[] ? Value : string;
};

/** A value for each of the named labels. */
export type LabelSet<Name extends LabelName> = Pick<LabelValues, Name>;
