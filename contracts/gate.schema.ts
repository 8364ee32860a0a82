import { z } from 'zod';
import { sha256Schema } from './artifact.schema.ts';
import { durationSchema } from './duration.schema.ts';
import { outcomeUnitSchema, type EvaluationRecord } from './evaluation.schema.ts';

/** The same rule as for the suites' own names. */
const suiteNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'use lower-case letters, digits and dashes, at most 63');
const shareSchema = z.number().min(0).max(1);

/**
 * What a candidate may be compared with: the model that is live; the release's own base, untouched; the best of the plain
 * arm at the same release; the production arm's best of the release before, whether it went live or not.
 */
export const referenceKindSchema = z.enum(['published', 'base', 'plain', 'previous']);
export type ReferenceKind = z.output<typeof referenceKindSchema>;

/** Who lets a candidate go live that passed: a person, within a time or however long it takes. */
const approvalSchema = z.union([
  z.literal('manual'),
  z.strictObject({
    timeout: durationSchema.describe('How long a person has'),
    otherwise: z.enum(['approve', 'reject']).describe('What is done when nobody has decided by then'),
  }),
]);
export type ApprovalSpec = z.output<typeof approvalSchema>;

/** How a candidate that passed was let go live, or was not. */
export const approvalDecisionSchema = z.strictObject({
  decision: z.enum(['approved', 'rejected', 'superseded']),
  /** `regraft` where nobody decided in time, or a newer release did. */
  actor: z.string(),
  reason: z.string(),
  at: z.iso.datetime(),
});
export type ApprovalDecision = z.output<typeof approvalDecisionSchema>;

/** Whether a candidate may be published, as a lineage declares it; docs/evaluation.md. */
export const gateSchema = z.strictObject({
  against: z
    .union([referenceKindSchema, z.array(referenceKindSchema).min(1).max(4)])
    .default('published')
    .describe('What the candidate is compared with, or a list of them; one that does not exist (yet) is left out'),
  nonInferior: z
    .record(suiteNameSchema, shareSchema)
    .default({})
    .describe(
      'Suite name to margin: that the candidate is not worse by more than this must be shown. In the unit of the suite: a share of the samples, or nats a token',
    ),
  superior: z
    .record(suiteNameSchema, shareSchema)
    .default({})
    .describe('Suite name to the amount by more than which the candidate must be shown to be better; 0: better at all'),
  floors: z
    .record(suiteNameSchema, z.number())
    .default({})
    .describe('Suite name to the least score, whatever the candidate is compared with; the score itself is judged'),
  negativeFlips: z
    .record(suiteNameSchema, shareSchema)
    .default({})
    .describe(
      'Suite name to the largest share of samples that the reference has right and the candidate wrong; the share itself is judged. Suites of right and wrong only',
    ),
  alpha: z
    .number()
    .min(0.001)
    .max(0.25)
    .default(0.05)
    .describe('Probability of a false "not worse" or "better" anywhere in the gate, all its tests together (Holm)'),
  power: z
    .number()
    .min(0.5)
    .max(0.99)
    .default(0.8)
    .describe(
      'Probability of letting an equally good candidate pass that the needed number of samples is computed for',
    ),
  minSamples: z
    .int()
    .min(1)
    .optional()
    .describe('Fewer samples than this are never enough for `nonInferior` or `superior`, whatever they show'),
  approval: approvalSchema
    .optional()
    .describe('A person has to approve a candidate that passed before it goes live; manual: however long that takes'),
});
export type GateSpec = z.output<typeof gateSchema>;

/** What a gate reads of an evaluation; the whole record will do. */
export type GateEvaluation = Pick<EvaluationRecord, 'suiteDigest' | 'harness' | 'unit' | 'samples'>;

/** One model with its evaluations by suite name. */
export interface GateModel {
  readonly release: string;
  readonly modelDigest: string;
  readonly evaluations: Readonly<Record<string, GateEvaluation>>;
}

export interface GateReference extends GateModel {
  readonly kind: ReferenceKind;
}

/** Per-sample results never pass through a workflow: this is made and judged inside an activity. */
export interface GateInput {
  /** Null: the lineage declares no gate. */
  readonly spec: GateSpec | null;
  readonly candidate: GateModel;
  /** Those that exist. A kind that the spec asks for and that is not here is left out, and the sentence says so. */
  readonly references: readonly GateReference[];
}

/** How an interval and its p-value were found; docs/evaluation.md says when which is used. */
export const intervalMethodSchema = z.enum([
  'tango',
  'tango and exact mcnemar',
  'bca bootstrap',
  'binomial bound',
  'wilson',
  'constant',
]);
export type IntervalMethod = z.output<typeof intervalMethodSchema>;

export const gateIntervalSchema = z.strictObject({
  /** Null: nothing is known on this side. */
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Two-sided confidence, e.g. 0.9: each side is wrong with probability (1 − level) ÷ 2. */
  level: z.number().gt(0).lt(1),
  method: intervalMethodSchema,
});
export type GateInterval = z.output<typeof gateIntervalSchema>;

export const gatePowerSchema = z.strictObject({
  /** What the numbers below assume: the share of samples on which the two models differ, or the spread of one sample's difference. */
  assumes: z.strictObject({ kind: z.enum(['discordance', 'standard deviation']), value: z.number().min(0) }),
  /** The true difference that `passProbability` is for: 0 for `nonInferior`; what was seen for `superior`, null if that is not enough. */
  truth: z.number().nullable(),
  /** Probability that a candidate with that true difference passes this check on as many samples. */
  passProbability: shareSchema.nullable(),
  /** `nonInferior`: the true drop that would be noticed (its whole interval under 0) with probability `target`; `superior`: the gain that would pass. Null: none would. */
  noticed: z.number().gt(0).nullable(),
  target: shareSchema,
  /** Samples for which `passProbability` reaches `target`; null: no number does, or more than ten million. */
  samplesNeeded: z.int().min(1).nullable(),
});
export type GatePower = z.output<typeof gatePowerSchema>;

const gateRuleSchema = z.enum(['nonInferior', 'superior', 'floor', 'negativeFlips']);

const countSchema = z.int().min(0);
const gateReferenceIdentitySchema = z.strictObject({
  kind: referenceKindSchema,
  release: z.string(),
  modelDigest: sha256Schema,
});

export const gateCheckSchema = z.strictObject({
  suite: z.string(),
  rule: gateRuleSchema,
  unit: outcomeUnitSchema,
  /** Null for floors. */
  reference: gateReferenceIdentitySchema.nullable(),
  /** Scores over the samples that were judged, in `unit`; higher is better. */
  candidate: z.number(),
  referenceScore: z.number().nullable(),
  /** candidate − referenceScore; null for floors. */
  difference: z.number().nullable(),
  /** Of the difference; of the score for floors, of the share of negative flips for those. At the level that the decision was made with. */
  interval: gateIntervalSchema,
  /** The margin, the least score, or the largest share of negative flips. */
  margin: z.number(),
  /** One-sided p-value of the rule; 0: under what can be told. Null where the number itself is judged. */
  pValue: shareSchema.nullable(),
  /** What the p-value had to stay at or under, after Holm; null where there is none. */
  adjustedAlpha: shareSchema.nullable(),
  /** Two-sided exact McNemar p-value of "nothing changed"; null for outcomes other than right and wrong. */
  changedPValue: shareSchema.nullable(),
  samples: z.int().min(1),
  /** Samples right before and wrong now, and the other way round; null for outcomes other than right and wrong. */
  flips: z.strictObject({ negative: countSchema, positive: countSchema }).nullable(),
  power: gatePowerSchema.nullable(),
  /** `fail`: the opposite was shown; `inconclusive`: neither was, which does not pass. */
  verdict: z.enum(['pass', 'fail', 'inconclusive']),
  pass: z.boolean(),
  /** For people, with the numbers. */
  sentence: z.string(),
});
export type GateCheck = z.output<typeof gateCheckSchema>;

export const gateDecisionSchema = z.strictObject({
  decision: z.enum(['pass', 'reject']),
  /** The decision in one sentence. */
  sentence: z.string(),
  alpha: z.number(),
  /** What it was compared with. */
  references: z.array(gateReferenceIdentitySchema),
  /** What the spec asks to compare with and does not exist (yet). */
  absent: z.array(referenceKindSchema),
  checks: z.array(gateCheckSchema),
});
export type GateDecision = z.output<typeof gateDecisionSchema>;
