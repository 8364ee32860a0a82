import { z } from 'zod';
import { sha256Schema } from './artifact.schema.ts';
import { harnessIdentitySchema } from './evaluation.schema.ts';

/** `bases`: from the older base to the newer; `tuned`: from the older fine-tune to the recycled model. */
const lineNameSchema = z.enum(['bases', 'tuned']);

export const linePointSchema = z.strictObject({
  /** 0 at the line's beginning, 1 at its end. */
  at: z.number().min(0).max(1),
  /** Loss on the text sample, nats a token. */
  lossNats: z.number(),
});
/** A model on the straight line between two others. */
export type LinePoint = z.output<typeof linePointSchema>;

export const driftSchema = z.strictObject({
  /** ‖newer base − older base‖, L2; null: not finite. */
  norm: z.number().nullable(),
  /** ‖newer base − older base‖ / ‖older base‖ */
  relativeNorm: z.number().nullable(),
  /** ‖Δ‖ */
  deltaNorm: z.number().nullable(),
  /** Cosine of Δ and newer base − older base. */
  cosine: z.number().nullable(),
});
/** How far the base moved, and how its way lies beside the Δ that is carried. Null: not defined. */
export type Drift = z.output<typeof driftSchema>;

/** What the probe found between two releases; kept in the store, named by its digest. */
export const connectivityRecordSchema = z.strictObject({
  schema: z.literal('regraft.connectivity/1'),
  suiteDigest: sha256Schema,
  harness: harnessIdentitySchema,
  lines: z.array(
    z.strictObject({
      line: lineNameSchema,
      from: sha256Schema,
      to: sha256Schema,
      points: z.array(linePointSchema).min(2),
      /** Highest rise of the loss above the straight line between the ends' losses, nats; 0 when it never rises. */
      barrierNats: z.number().min(0),
    }),
  ),
  drift: driftSchema,
  /** By kind of layer: `embedding`, `layer 0 attention`, `layer 0 mlp`, …, `norms`, `head`. */
  groups: z.array(z.strictObject({ group: z.string(), ...driftSchema.shape })),
});
export type ConnectivityRecord = z.output<typeof connectivityRecordSchema>;

/** What a run keeps of its probe; the whole is in the record. */
export const connectivitySummarySchema = z.strictObject({
  recordDigest: sha256Schema,
  barriersNats: z.strictObject({ bases: z.number(), tuned: z.number() }),
  drift: driftSchema,
});
export type ConnectivitySummary = z.output<typeof connectivitySummarySchema>;
