import { z } from 'zod';
import { sha256Schema } from './artifact.schema.ts';
import { armSchema, lineageSpecSchema } from './lineage-spec.schema.ts';
import { armSummarySchema, publicationSchema } from './run-record.schema.ts';

const stepSchema = z.int().min(0);
const pointSchema = z.strictObject({ step: stepSchema, score: z.number() });

/** One arm at one release; an arm that shares another's work has its own row with the same record. */
export const reportArmSchema = z.strictObject({
  ...armSummarySchema.shape,
  release: z.string(),
  production: z.boolean(),
  /** Digest of the Δ that it started from; null: from the base itself. */
  sourceDelta: sha256Schema.nullable(),
  sourceRelease: z.string().nullable(),
  /** Evaluations on the target suite, ascending by step; `loss` in nats, null where the harness does not say. The first is step 0. */
  curve: z.array(z.strictObject({ step: stepSchema, score: z.number(), loss: z.number().nullable() })).min(1),
  best: pointSchema,
  final: pointSchema,
  candidateDigest: sha256Schema,
  deltaDigest: sha256Schema,
  gate: z.string().nullable(),
  /** What `auto` decided, in a sentence; null with every other strategy. */
  choice: z.string().nullable(),
  /** How the curve stood at its end, in a sentence; null: nothing was trained. */
  convergence: z.string().nullable(),
});
export type ReportArm = z.output<typeof reportArmSchema>;

/** What a lineage did, release by release, read from its records. Releases that are not concluded are left out. */
export const reportSchema = z.strictObject({
  schema: z.literal('regraft.report/1'),
  lineage: z.string(),
  /** Target suite: the one that the curves and scores are of. */
  suite: z.string(),
  releases: z.array(
    z.strictObject({
      name: z.string(),
      digest: sha256Schema,
      status: z.enum(['succeeded', 'superseded', 'failed', 'cancelled', 'skipped']),
      /** Why it was skipped; null: it was not, or nobody knows. */
      note: z.string().nullable(),
      recordDigest: sha256Schema.nullable(),
    }),
  ),
  arms: z.array(reportArmSchema),
  failures: z.array(z.strictObject({ release: z.string(), arm: armSchema, code: z.string(), message: z.string() })),
  published: z.array(publicationSchema),
  provenance: z.strictObject({
    spec: lineageSpecSchema,
    /** One of each in a healthy lineage; several mean that curves are not alike. */
    regraftVersions: z.array(z.string()),
    harnesses: z.array(z.string()),
    suiteDigests: z.array(sha256Schema),
    datasetDigests: z.array(sha256Schema),
  }),
});
export type Report = z.output<typeof reportSchema>;
