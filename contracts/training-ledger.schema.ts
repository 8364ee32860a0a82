import { z } from 'zod';
import { sha256Schema } from './artifact.schema.ts';
import { launcherSchema } from './lineage-spec.schema.ts';

const stepSchema = z.int().min(0);

/** How somebody came to supervise a training, and the step it stood at. */
export const trainingStartSchema = z.strictObject({
  how: z.enum(['started', 'resumed', 'adopted']),
  atStep: stepSchema,
});
export type TrainingStart = z.output<typeof trainingStartSchema>;

/** Whether the steps that a resumed attempt trained again came out as before. */
export const continuitySchema = z.strictObject({
  verdict: z.enum(['verified', 'broken', 'nothing to compare']),
  comparedSteps: stepSchema,
  /** Relative difference of losses that counted as equal; 0: bit for bit. */
  tolerance: z.number().min(0),
  /** The first step that came out otherwise. */
  firstDifference: z.strictObject({ step: stepSchema, before: z.number(), after: z.number() }).nullable(),
});
export type Continuity = z.output<typeof continuitySchema>;

/** A checkpoint that was not resumed from, and why. */
const rejectedSchema = z.strictObject({ step: stepSchema, why: z.string() });
export type RejectedCheckpoint = z.output<typeof rejectedSchema>;

export const attemptEndSchema = z.strictObject({
  /** Code of policy/trainer-exit.ts; null: it was done. */
  code: z.string().nullable(),
  /** Newest step that it had logged. */
  lastStep: stepSchema,
  at: z.iso.datetime(),
});
export type AttemptEnd = z.output<typeof attemptEndSchema>;

export const attemptSchema = z.strictObject({
  /** 1 for the first; the trainer's own fencing token (`attempt` in job.json). */
  attempt: z.int().min(1),
  /** Names the launch: 16 hexadecimal digits. */
  launch: z.string(),
  /** Fencing token of the supervisor that began it. */
  token: z.int().min(1),
  /** The workflow run that it was begun for: asking again is a new chance. */
  chance: z.string(),
  host: z.string(),
  launcher: launcherSchema,
  /** When its trainer was launched; ledgers of before it was kept lack it. */
  begunAt: z.iso.datetime().optional(),
  atStep: stepSchema,
  microBatchSize: z.int().min(1),
  /** Its newest committed checkpoint; 0: none. */
  furthestStep: stepSchema,
  /** Whether it committed a checkpoint further than any before. */
  broughtCheckpoint: z.boolean(),
  rejected: z.array(rejectedSchema),
  /** Records with the steps beyond `atStep` that earlier attempts had committed; they are no part of the curve. */
  replaces: z.array(sha256Schema),
  continuity: continuitySchema.nullable(),
  /** Null while it runs, and for one whose end nobody saw. */
  end: attemptEndSchema.nullable(),
});
export type Attempt = z.output<typeof attemptSchema>;

/** What a run record keeps of an attempt. */
export const attemptSummarySchema = attemptSchema.pick({
  attempt: true,
  host: true,
  atStep: true,
  microBatchSize: true,
  rejected: true,
  continuity: true,
  end: true,
});

const committedSchema = z.strictObject({
  step: z.int().min(1),
  attempt: z.int().min(1),
  modelDigest: sha256Schema,
  /** Name of the full state in the store; null once it was pruned. */
  state: z.string().nullable(),
  /** Record with the steps since the checkpoint before. */
  curveDigest: sha256Schema,
});
/** A checkpoint that counts. */
export type CommittedCheckpoint = z.output<typeof committedSchema>;

/**
 * Everything that is true of one training, whichever host it ran on: in the store, behind one ref that changes only by
 * compare-and-swap. Whoever takes the training over raises `token`; a commit by anyone with a lower one is refused.
 */
export const trainingLedgerSchema = z.strictObject({
  schema: z.literal('regraft.training/1'),
  token: stepSchema,
  holder: z.string(),
  attempts: z.array(attemptSchema),
  starts: z.array(trainingStartSchema),
  /** Ascending by step; none beyond the newest attempt's beginning but its own. */
  checkpoints: z.array(committedSchema),
});
export type TrainingLedger = z.output<typeof trainingLedgerSchema>;
