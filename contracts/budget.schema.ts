import { z } from 'zod';
import { durationSchema } from './duration.schema.ts';

const stepsSchema = z.int().min(1).describe('Fine-tuning steps');
const gpuHoursSchema = z
  .number()
  .gt(0)
  .describe(
    'GPUs of the launcher × hours in which a trainer of the lineage was launched; looked at when a checkpoint is stored',
  );

/** What one run may spend: one arm at one release. */
const runBudgetSchema = z
  .strictObject({
    gpuHours: gpuHoursSchema.optional(),
    wallTime: durationSchema
      .optional()
      .describe('From the beginning of the training, pauses and waiting for a slot included'),
    // `finetune.steps` is what a run may spend in steps.
    then: z
      .enum(['conclude', 'fail'])
      .default('conclude')
      .describe('conclude: the training ends at a checkpoint and its best goes to the gate; fail: the run fails'),
  })
  .refine(({ gpuHours, wallTime }) => gpuHours !== undefined || wallTime !== undefined, {
    message: 'name at least one limit: gpuHours or wallTime (`finetune.steps` is the limit in steps)',
  });
export type RunBudget = z.output<typeof runBudgetSchema>;

/** What a lineage may spend, all its runs together; looked at before a release begins. */
const lineageBudgetSchema = z
  .strictObject({
    steps: stepsSchema.optional(),
    gpuHours: gpuHoursSchema.optional(),
    wallTime: durationSchema.optional().describe('Of all its trainings together'),
    then: z
      .enum(['pause', 'skip'])
      .default('pause')
      .describe(
        'pause: the lineage is paused, until someone raises the budget and resumes it; skip: releases are skipped',
      ),
  })
  .refine(({ steps, gpuHours, wallTime }) => (steps ?? gpuHours ?? wallTime) !== undefined, {
    message: 'name at least one limit: steps, gpuHours or wallTime',
  });
export type LineageBudget = z.output<typeof lineageBudgetSchema>;

/** Limits on what is spent, and what happens at each. */
export const budgetSchema = z.strictObject({
  run: runBudgetSchema.optional().describe('Of one arm at one release'),
  lineage: lineageBudgetSchema.optional().describe('Of all runs together, for as long as the lineage lives'),
});
