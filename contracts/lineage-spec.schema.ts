import { z } from 'zod';

/** Lower-case letters, digits and dashes; it becomes part of workflow ids, folders and metric labels. */
const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'use lower-case letters, digits and dashes, at most 63');
const pathSchema = z.string().min(1);
const durationSchema = z
  .string()
  .regex(/^[1-9][0-9]*(s|m|h)$/, 'write a whole number and a unit: 30s, 5m or 1h')
  .describe('Whole number and unit: 30s, 5m, 1h');

/** Where releases come from and the rule that orders them. */
const familySchema = z.strictObject({
  folder: pathSchema.describe('Folder in which every sub-folder is one release (a complete model folder)'),
  names: z
    .string()
    .regex(/\{[a-z]+\}/i, 'name at least one field in braces, e.g. M{release} or step{step}')
    .describe('Pattern of release names; {field} stands for a number. Names that do not match are ignored'),
  order: z.array(z.string()).min(1).describe('Fields of the pattern, most significant first'),
  pollEvery: durationSchema.default('1m').describe('How often the source is asked for new releases'),
});

/** The fine-tuning recipe: the same for every arm and every release of a lineage. */
const finetuneSchema = z.strictObject({
  trainer: z.literal('sft').default('sft').describe('Supervised fine-tuning, loss on completions only'),
  dataset: pathSchema.describe('JSONL, one {"prompt", "completion"} per line'),
  steps: z.int().min(1).max(10_000_000),
  learningRate: z.number().gt(0).lte(1),
  batchSize: z.int().min(1).max(65_536).describe('Global batch, in samples'),
  schedule: z.enum(['linear', 'cosine', 'constant']).default('linear'),
  warmupSteps: z.int().min(0).default(0),
  weightDecay: z.number().min(0).max(1).default(0),
  maxGradientNorm: z.number().gt(0).default(1),
  maxLength: z.int().min(2).max(1_048_576).default(2048).describe('Longest sample in tokens; longer ones are refused'),
  saveEvery: z.int().min(1).describe('Steps between checkpoints; every checkpoint is evaluated'),
  seed: z.int().min(0).max(2_147_483_647).default(0),
});

const evaluateSchema = z.strictObject({
  name: nameSchema.describe('What gates, metrics and reports call this suite'),
  suite: pathSchema.describe('Folder with suite.yaml and its samples'),
  harness: z.literal('onnx').default('onnx'),
});

const gateSchema = z.strictObject({
  against: z.literal('published').default('published'),
  nonInferior: z
    .record(nameSchema, z.number().min(0).max(1))
    .describe(
      'Suite name to the margin (score units, 0 to 1) by which a candidate may fall short of the published model',
    ),
});

export const armSchema = z.enum(['plain', 'direct', 'iterative']);
/** One strategy as run at one release. */
export type Arm = z.output<typeof armSchema>;

/** What the checks across keys look at: they are made as soon as these parts hold, whatever else is wrong. */
const comparedSchema = z.object({
  family: familySchema,
  evaluate: z.array(evaluateSchema),
  gate: gateSchema.optional(),
});

/**
 * One fine-tune kept current over one family, as a user declares it. Unknown keys are errors; defaults live here only.
 * Paths are absolute once `configs/load.ts` has read the file.
 */
export const lineageSpecSchema = z
  .strictObject({
    name: nameSchema,
    family: familySchema,
    strategy: armSchema.describe('The production arm: the one that is gated and published'),
    controls: z.array(armSchema).max(3).default([]).describe('Arms that run beside it to prove the benefit'),
    finetune: finetuneSchema,
    evaluate: z
      .array(evaluateSchema)
      .min(1)
      .max(8)
      .describe('The first suite is the target task: it picks the best checkpoint'),
    gate: gateSchema.optional(),
    backlog: z.literal('queue').default('queue').describe('Releases are taken one after the other, in family order'),
    publish: z
      .array(z.strictObject({ folder: pathSchema }))
      .max(8)
      .default([]),
  })
  .superRefine(
    (spec, context) => {
      const fields = [...spec.family.names.matchAll(/\{([a-z]+)\}/gi)].map((match) => match[1]);
      spec.family.order.forEach((field, index) => {
        if (!fields.includes(field)) {
          context.addIssue({
            code: 'custom',
            path: ['family', 'order', index],
            message: `\`${field}\` is not a field of the pattern \`${spec.family.names}\`; use one of ${fields.join(', ')}`,
          });
        }
      });
      const suites = spec.evaluate.map((suite) => suite.name);
      suites.forEach((name, index) => {
        if (suites.indexOf(name) !== index)
          context.addIssue({
            code: 'custom',
            path: ['evaluate', index, 'name'],
            message: `\`${name}\` is used twice; give each suite its own name`,
          });
      });
      for (const name of Object.keys(spec.gate?.nonInferior ?? {})) {
        if (!suites.includes(name))
          context.addIssue({
            code: 'custom',
            path: ['gate', 'nonInferior', name],
            message: `no suite is called \`${name}\`; use one of ${suites.join(', ')}`,
          });
      }
    },
    { when: ({ value }) => comparedSchema.safeParse(value).success },
  );
export type LineageSpec = z.output<typeof lineageSpecSchema>;
export type FamilySpec = LineageSpec['family'];
export type FinetuneSpec = LineageSpec['finetune'];
export type SuiteSpec = LineageSpec['evaluate'][number];
