import { z } from 'zod';
import { sha256Schema } from './artifact.schema.ts';

/** What a harness is: its results may be compared with those of the same digest only. */
export const harnessIdentitySchema = z.strictObject({
  /** `onnx`, `lm-eval`, `command`. */
  name: z.string(),
  version: z.string(),
  /** sha256 over name, version and every setting that can change a result. */
  digest: sha256Schema,
});
export type HarnessIdentity = z.output<typeof harnessIdentitySchema>;

/** What a suite's outcomes count: the share of samples answered right, or log-likelihood a token in nats. */
export const outcomeUnitSchema = z.enum(['share', 'nats']);
export type OutcomeUnit = z.output<typeof outcomeUnitSchema>;

export const sampleResultSchema = z.strictObject({
  /** The same for the same sample in every evaluation of a suite. */
  id: z.string().min(1),
  /** Higher is better. `share`: 1 right, 0 wrong, or between; `nats`: mean log-likelihood of the sample's tokens. */
  outcome: z.number(),
  /** What the sample counts in the suite's score: 1, or its tokens in a perplexity suite. */
  weight: z.number().gt(0),
  /** Mean negative log-likelihood of the reference answer's tokens, nats; null where the harness does not say. */
  lossNats: z.number().nullable(),
  /** Tokens of the reference answer; 0 where the harness does not say. */
  answerTokens: z.int().min(0),
  /** What the model wrote, at most 2,000 characters of it; null where it was not asked to write. */
  answer: z.string().nullable(),
});
/** One sample's outcome, whichever harness found it. */
export type SampleResult = z.output<typeof sampleResultSchema>;

/** A model on a suite, sample by sample; kept in the store, named by its digest. */
export const evaluationRecordSchema = z.strictObject({
  schema: z.literal('regraft.evaluation/1'),
  modelDigest: sha256Schema,
  /** Digest of the suite's definition and samples. */
  suiteDigest: sha256Schema,
  harness: harnessIdentitySchema,
  unit: outcomeUnitSchema,
  samples: z.array(sampleResultSchema).min(1),
  /** Σ weight · outcome ÷ Σ weight. */
  score: z.number(),
  /** Of the score, over draws of samples, in `unit`. */
  standardError: z.number().min(0),
  /** Mean over all reference answer tokens, nats; null where the harness does not say. */
  lossNats: z.number().nullable(),
});
export type EvaluationRecord = z.output<typeof evaluationRecordSchema>;
