import { z } from 'zod';
import { sha256Schema } from './artifact.schema.ts';

/** What the strategy `auto` may do at a release. */
export const autoSchema = z.strictObject({
  scales: z
    .array(z.number().gt(0).max(2))
    .min(1)
    .max(16)
    .default([1])
    .describe('λ of the merges that are measured before anything is trained'),
  whenBaseIsStronger: z
    .enum(['skip', 'finetune'])
    .default('skip')
    .describe('What to do when the new base is already better at the task than the old fine-tune'),
});
export type AutoSpec = z.output<typeof autoSchema>;

/** A score on the target suite with its uncertainty. */
export const measuredLevelSchema = z.strictObject({
  /** Higher is better. */
  score: z.number(),
  samples: z.int().min(1),
  /** Of the score, over draws of samples; null: not known, and taken as 0. */
  standardError: z.number().min(0).nullable(),
});
export type MeasuredLevel = z.output<typeof measuredLevelSchema>;

/** The only things that keep a model from being a start. A bad score is none of them. */
export const forbiddenReasonSchema = z.enum(['non-finite weights', 'failed compatibility check', 'wrong base']);
export type ForbiddenReason = z.output<typeof forbiddenReasonSchema>;

const measuredBaseSchema = z.strictObject({
  release: z.string(),
  modelDigest: sha256Schema,
  level: measuredLevelSchema,
});

/** One M_i + λΔ of the sweep. */
export const measuredMergeSchema = z.strictObject({
  scale: z.number().gt(0),
  /** Null where there is no model because it is forbidden. */
  modelDigest: sha256Schema.nullable(),
  level: measuredLevelSchema.nullable(),
  /** Whether it passes the lineage's gate as it stands; null: not judged. */
  gate: z.enum(['pass', 'reject']).nullable(),
  forbidden: forbiddenReasonSchema.nullable(),
});
export type MeasuredMerge = z.output<typeof measuredMergeSchema>;

const namedLevelSchema = z.strictObject({ release: z.string(), level: measuredLevelSchema });

export const startMeasurementsSchema = z.strictObject({
  base: measuredBaseSchema,
  /** Empty: there is no older Δ. */
  merges: z.array(measuredMergeSchema),
  /** What is live; null: nothing. */
  published: namedLevelSchema.nullable(),
  /** The fine-tune that Δ was taken from, on its own base; null: there is none. */
  oldFinetune: namedLevelSchema.nullable(),
});
/** Everything that `auto` decides from: all of it measured before a step is trained. */
export type StartMeasurements = z.output<typeof startMeasurementsSchema>;

const decidedFrom = {
  /** One sentence for people, with the numbers. */
  reason: z.string(),
  measurements: startMeasurementsSchema,
} as const;

export const startChoiceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('publish-merge'), scale: z.number(), modelDigest: sha256Schema, ...decidedFrom }),
  z.strictObject({
    kind: z.literal('finetune'),
    /** λ of the merge to start from; null: from the base itself. */
    scale: z.number().nullable(),
    modelDigest: sha256Schema,
    ...decidedFrom,
  }),
  z.strictObject({ kind: z.literal('skip'), ...decidedFrom }),
]);
export type StartChoice = z.output<typeof startChoiceSchema>;
