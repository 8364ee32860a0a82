import { z } from 'zod';

const stepSchema = z.int().min(0);

/**
 * When a training ends before its steps are done; absent: never, and the state of the curve is reported all the same.
 * Steps are of the target suite's evaluations.
 */
export const stopSchema = z.strictObject({
  target: z
    .union([z.enum(['previous', 'plain']), z.number()])
    .optional()
    .describe(
      "Stop at the first evaluation that reaches this score: plain: the plain arm's final score at this release; previous: the previous release's final score; or a number",
    ),
  plateau: z
    .strictObject({
      evaluations: z.int().min(2).max(1000).default(5).describe('Evaluations in a row without improvement'),
      minImprovement: z
        .number()
        .min(0)
        .optional()
        .describe('Least improvement that counts, in score units; default: one standard error of an evaluation'),
    })
    .optional()
    .describe('Stop when the score no longer improves; write {} for the defaults'),
  diverging: z
    .strictObject({
      evaluations: z.int().min(1).max(1000).default(3).describe('Evaluations in a row with a risen loss'),
      lossRise: z
        .number()
        .gt(0)
        .default(0.5)
        .describe('How far above its lowest the loss must be: 0.5 is half as much again'),
    })
    .optional()
    .describe('Stop when the loss rises or is no number; write {} for the defaults'),
});
export type StopSpec = z.output<typeof stopSchema>;

/** The score that steps are counted to, and where it came from. A number of steps or a saving is never shown without it. */
export const targetReferenceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    /** The plain arm of the same release, or the production arm of the release before. */
    kind: z.enum(['plain', 'previous']),
    release: z.string(),
    /** Its final score. */
    score: z.number(),
    /** The first step at which that training itself reached its final score; null where it is not known. */
    steps: stepSchema.nullable(),
  }),
  /** A number that the spec gives. */
  z.strictObject({ kind: z.literal('declared'), score: z.number() }),
]);
export type TargetReference = z.output<typeof targetReferenceSchema>;

/** A curve measured against a target. */
export const targetMeasurementSchema = z.strictObject({
  reference: targetReferenceSchema,
  /** First step whose evaluation reaches the target score; null when none does. */
  steps: stepSchema.nullable(),
  /** 1 − steps ÷ the reference's own steps; null where either is unknown or the reference needed none. */
  saving: z.number().nullable(),
});
export type TargetMeasurement = z.output<typeof targetMeasurementSchema>;

/** One evaluation on the target suite. Scores and losses may be NaN here: that is what is looked for. */
export interface CurveEvaluation {
  readonly step: number;
  /** Higher is better. */
  readonly score: number;
  /** Of the score, over draws of samples; null: not known. */
  readonly standardError: number | null;
  /** Mean over the reference answers' tokens, nats; null where the harness does not say. */
  readonly lossNats: number | null;
}

export const curveStateSchema = z.enum([
  'improving',
  'plateau',
  'target reached',
  'diverging',
  'not a number',
  'budget spent',
]);
export type CurveState = z.output<typeof curveStateSchema>;

export const curveVerdictSchema = z.strictObject({
  state: curveStateSchema,
  /** One sentence with the numbers. */
  reason: z.string(),
  /** Whether the training should end here. */
  stop: z.boolean(),
  /** The newest step that was looked at. */
  step: stepSchema,
  /** Steps of the budget that stopping here leaves untrained; 0 when it goes on. */
  stepsSaved: stepSchema,
  /** What the score was held against; null when there was nothing. */
  target: targetReferenceSchema.nullable(),
});
export type CurveVerdict = z.output<typeof curveVerdictSchema>;
