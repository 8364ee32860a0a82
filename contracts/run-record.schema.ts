import { z } from 'zod';
import { sha256Schema } from './artifact.schema.ts';
import { startChoiceSchema } from './choice.schema.ts';
import { connectivitySummarySchema } from './connectivity.schema.ts';
import { curveVerdictSchema, targetMeasurementSchema } from './curve.schema.ts';
import { outcomeUnitSchema } from './evaluation.schema.ts';
import { approvalDecisionSchema, gateDecisionSchema } from './gate.schema.ts';
import { armSchema, lineageSpecSchema } from './lineage-spec.schema.ts';
import { attemptSummarySchema, continuitySchema, trainingStartSchema } from './training-ledger.schema.ts';

const stepSchema = z.int().min(0);
const isoSchema = z.iso.datetime();

const deltaSourceSchema = z.strictObject({
  deltaDigest: sha256Schema,
  fromRelease: z.string(),
  fromArm: armSchema,
  steps: stepSchema,
});

export const suiteScoreSchema = z.strictObject({
  suite: z.string(),
  /** Higher is better, in `unit`. */
  score: z.number(),
  unit: outcomeUnitSchema,
  /** Mean negative log-likelihood of the reference answers' tokens, in nats; null where the harness does not say. */
  lossNats: z.number().nullable(),
  /** Of the score, over draws of samples, in `unit`. */
  standardError: z.number().min(0),
  samples: z.int().min(1),
  suiteDigest: sha256Schema,
  /** `name/version`, for people. */
  harness: z.string(),
  harnessDigest: sha256Schema,
  /** Record with the per-sample results. */
  evaluationDigest: sha256Schema,
});
/** One model on one suite. Two of these may be compared only when suiteDigest and harnessDigest agree. */
export type SuiteScore = z.output<typeof suiteScoreSchema>;

export const evaluatedStepSchema = z.strictObject({
  step: stepSchema,
  modelDigest: sha256Schema,
  /** In the spec's order: the first is the target task. */
  suites: z.array(suiteScoreSchema).min(1),
});
/** A model that may be published, with its measurements: step 0 is the start model, others are checkpoints. */
export type EvaluatedStep = z.output<typeof evaluatedStepSchema>;

export const publicationSchema = z.strictObject({
  target: z.string(),
  release: z.string(),
  candidateDigest: sha256Schema,
  previousDigest: sha256Schema.nullable(),
  publishedAt: isoSchema,
});
export type Publication = z.output<typeof publicationSchema>;

export const trainingOutcomeSchema = z.strictObject({
  /** How each attempt of the training began, adoptions by another worker included. */
  starts: z.array(trainingStartSchema),
  /** Every trainer that ran, and how it ended. Records of before these three were kept lack them. */
  attempts: z.array(attemptSummarySchema).default([]),
  /** Steps of dead attempts that had to be trained again. */
  stepsLost: stepSchema.default(0),
  /** Whether replayed steps were the same: the worst of all resumes. */
  continuity: continuitySchema.shape.verdict.default('nothing to compare'),
  stepsDone: stepSchema,
  /** Seconds in which a trainer was launched, all attempts together. Records of before it was kept lack it. */
  trainedSeconds: z.number().min(0).default(0),
  checkpoints: z.array(z.strictObject({ step: stepSchema, modelDigest: sha256Schema })).min(1),
  /** Record: training curve, one entry a step ({step, lossNats, learningRate, gradientNorm, tokensSeen}). */
  curveDigest: sha256Schema,
  datasetDigest: sha256Schema,
  jobDigest: sha256Schema,
});
export type TrainingOutcome = z.output<typeof trainingOutcomeSchema>;

/** Everything there is to say about one run; kept in the store, named by its digest. */
export const runRecordSchema = z.strictObject({
  schema: z.literal('regraft.run/1'),
  lineage: z.string(),
  release: z.strictObject({ name: z.string(), digest: sha256Schema }),
  arm: armSchema,
  production: z.boolean(),
  spec: lineageSpecSchema,
  source: deltaSourceSchema.nullable(),
  startModelDigest: sha256Schema,
  /** What `auto` decided and from which numbers; null with every other strategy, and where there was no Δ. */
  choice: startChoiceSchema.nullable().default(null),
  connectivity: connectivitySummarySchema.nullable().default(null),
  /** Null: nothing was trained. */
  training: trainingOutcomeSchema.nullable(),
  /** How the curve stood at its end; null: nothing was trained. */
  convergence: curveVerdictSchema.nullable().default(null),
  /** Ascending by step; the first is step 0. */
  evaluations: z.array(evaluatedStepSchema).min(1),
  best: evaluatedStepSchema,
  final: evaluatedStepSchema,
  /** The best model: what the gate judges, what is published, what Δ is taken from. */
  candidateDigest: sha256Schema,
  /** Of a skipped release: the Δ that it started from, which the next one starts from too. */
  deltaDigest: sha256Schema,
  /** L2 norm of Δ over all parameters; null: no Δ of its own. */
  deltaNorm: z.number().min(0).nullable(),
  gate: gateDecisionSchema.nullable(),
  /** Null: nobody was asked. */
  approval: approvalDecisionSchema.nullable().default(null),
  /** Why it did not go live although it passed, or was not judged; null: nothing kept it. */
  withheld: z.string().nullable().default(null),
  /** A newer release made it end early. */
  superseded: z.boolean().default(false),
  publications: z.array(publicationSchema),
  startedAt: isoSchema,
  finishedAt: isoSchema,
  regraftVersion: z.string(),
});
export type RunRecord = z.output<typeof runRecordSchema>;

export const armSummarySchema = z.strictObject({
  arm: armSchema,
  /** Set when another arm of this release did the same work. */
  sharedWith: armSchema.nullable(),
  recordDigest: sha256Schema,
  /** Steps to the target score, and what the target is: plain's at this release, else the previous release's; null: neither. */
  target: targetMeasurementSchema.nullable(),
  /** First step whose evaluation loss is at or under plain's final evaluation loss; null where there is no plain arm. */
  stepsToTargetLoss: stepSchema.nullable(),
  /** Fine-tuning steps inside the Δ this arm started from. */
  stepsCarried: stepSchema,
});
export type ArmSummary = z.output<typeof armSummarySchema>;

/** Somebody's order that concerns a release, or what the service itself did. */
const orderSchema = z.strictObject({ actor: z.string(), reason: z.string(), at: z.string(), what: z.string() });

/** What a release brought, all arms together. */
export const releaseRecordSchema = z.strictObject({
  schema: z.literal('regraft.release/1'),
  lineage: z.string(),
  release: z.strictObject({ name: z.string(), digest: sha256Schema }),
  /** How it ended; absent from records of before it was kept. */
  status: z.enum(['succeeded', 'superseded', 'failed', 'cancelled', 'skipped']).optional(),
  arms: z.array(armSummarySchema),
  /** What was ordered since the release before was concluded, oldest first: the whole log, release by release. */
  orders: z.array(orderSchema).default([]),
  concludedAt: isoSchema,
});
export type ReleaseRecord = z.output<typeof releaseRecordSchema>;
