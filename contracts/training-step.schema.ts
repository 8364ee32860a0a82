import { z } from 'zod';

/** One line of a training's metrics.jsonl (docs/trainer-contract.md). Null: this trainer does not say. */
export const trainingStepSchema = z.object({
  attempt: z.int().min(1),
  /** Steps done, this one included. */
  step: z.int().min(1),
  lossNats: z.number(),
  learningRate: z.number(),
  /** L2, before clipping. */
  gradientNorm: z.number().nullable().default(null),
  stepSeconds: z.number().nullable().default(null),
  /** Since step 0, earlier attempts included. */
  tokensSeen: z.int().nullable().default(null),
  /** Peak of the process on a CPU, of the device on a GPU. */
  memoryBytes: z.number().nullable().default(null),
  device: z.string().nullable().default(null),
});
export type TrainingStep = z.output<typeof trainingStepSchema>;
