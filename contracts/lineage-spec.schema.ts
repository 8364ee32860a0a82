import { z } from 'zod';
import { autoSchema } from './choice.schema.ts';
import { stopSchema } from './curve.schema.ts';
import { budgetSchema } from './budget.schema.ts';
import { durationSchema } from './duration.schema.ts';
import { secondsOf } from './duration.ts';
import { familyProblems, familySchema } from './family.schema.ts';
import { gateSchema, type GateSpec } from './gate.schema.ts';
import { harnessNameSchema } from './suite.schema.ts';
import { GPU_QUEUE } from './task-queues.ts';
import type { SUPERVISION_KEYS } from './supervision-keys.ts';

/** Lower-case letters, digits and dashes; it becomes part of workflow ids, folders and metric labels. */
const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'use lower-case letters, digits and dashes, at most 63');
const pathSchema = z.string().min(1);

const loraSchema = z.strictObject({
  rank: z.int().min(1).max(65_536),
  alpha: z.number().gt(0),
  dropout: z.number().min(0).lt(1).default(0),
  targetModules: z
    .union([z.literal('all-linear'), z.array(z.string().min(1)).min(1)])
    .default('all-linear')
    .describe('Names of the modules that get an adapter'),
  rsLora: z.boolean().default(false).describe('Scale by alpha / √rank instead of alpha / rank'),
});

const SBATCH_OPTION = /^--(?!(array|wrap|clusters|cluster-constraint|wait|test-only|quiet)(=|$))[a-z]/;

/** Where trainers run; docs/launchers.md. */
export const launcherSchema = z.union([
  z.strictObject({
    local: z.strictObject({
      gpus: z.int().min(0).max(64).default(1).describe('GPUs of a training, on machines that have any'),
    }),
  }),
  z.strictObject({
    slurm: z
      .strictObject({
        partition: z.string().min(1).optional(),
        account: z.string().min(1).optional(),
        qos: z.string().min(1).optional(),
        constraint: z.string().min(1).optional(),
        gpus: z.int().min(0).default(0),
        cpus: z.int().min(1).default(1),
        memoryMiB: z.int().min(1).optional(),
        timeLimit: durationSchema.optional().describe('Of one job; a training that needs longer goes on in the next'),
        signalBefore: durationSchema
          .default('2m')
          .describe('How long before the time limit the trainer is told to save and end'),
        options: z
          .array(
            z.string().regex(SBATCH_OPTION, 'write options as --name=value; none that makes one launch not one job'),
          )
          .default([])
          .describe('Further options of sbatch'),
      })
      .superRefine(({ timeLimit, signalBefore }, context) => {
        // Slurm looks at limits twice a minute, and may be a minute early.
        if (timeLimit === undefined || secondsOf(timeLimit) > secondsOf(signalBefore) + 60) return;
        const message = `${timeLimit} leaves no time to train: the trainer is told to save ${signalBefore} and a minute before; raise timeLimit or lower signalBefore`;
        context.addIssue({ code: 'custom', path: ['timeLimit'], message });
      }),
  }),
]);
export type LauncherSpec = z.output<typeof launcherSchema>;

/** What a training computes: the same for every arm and every release of a lineage. */
const recipeShape = {
  trainer: z
    .enum(['sft', 'command'])
    .default('sft')
    .describe(
      'sft: the reference trainer, loss on completions only; command: any program (docs/bring-your-own-trainer.md)',
    ),
  command: z
    .array(z.string())
    .min(1)
    .optional()
    .describe(
      'With `trainer: command`: program and arguments; {model} {dataset} {output} {resume} {folder} {steps} {saveEvery} {microBatchSize} are filled in',
    ),
  dataset: z
    .string()
    .min(1)
    .describe('JSONL or Parquet file of prompt and completion, or of messages; or hub://datasets/OWNER/NAME@COMMIT'),
  accelerate: z
    .string()
    .min(1)
    .optional()
    .describe('Configuration of `accelerate launch`: several processes, FSDP, DeepSpeed'),
  steps: z.int().min(1).max(10_000_000),
  learningRate: z.number().gt(0).lte(1),
  batchSize: z.int().min(1).max(65_536).describe('Global batch, in samples'),
  microBatchSize: z
    .int()
    .min(1)
    .max(65_536)
    .optional()
    .describe('Samples on the device at a time; a divisor of batchSize. Out of memory halves it by itself'),
  schedule: z.enum(['linear', 'cosine', 'constant']).default('linear'),
  warmupSteps: z.int().min(0).default(0),
  weightDecay: z.number().min(0).max(1).default(0),
  maxGradientNorm: z.number().gt(0).default(1),
  maxLength: z.int().min(2).max(1_048_576).default(2048).describe('Longest sample in tokens; longer ones are refused'),
  packing: z.boolean().default(false).describe('Fill every sequence up to maxLength with several samples'),
  precision: z.enum(['float32', 'bfloat16']).default('float32').describe('Of the arithmetic; weights stay float32'),
  gradientCheckpointing: z.boolean().default(false),
  compile: z.boolean().default(false).describe('torch.compile'),
  lora: loraSchema.optional().describe('Train an adapter instead of all parameters'),
  divergence: z
    .strictObject({ spikeFactor: z.number().gt(1), patience: z.int().min(1).default(3) })
    .optional()
    .describe('Give up when the loss is spikeFactor times its running median for `patience` steps in a row'),
  saveEvery: z
    .union([z.int().min(1), z.literal('auto')])
    .describe('Steps between checkpoints, all of which are evaluated; auto: from the measured cost of a save'),
  seed: z.int().min(0).max(2_147_483_647).default(0),
} as const;

/** How a training is looked after. None of it changes what is computed: it may be changed while a training runs. */
const supervisionShape = {
  launcher: launcherSchema.default({ local: { gpus: 1 } }),
  queue: z
    .string()
    .regex(GPU_QUEUE, 'write gpu, or gpu- and the shape of the machines: gpu-h100')
    .optional()
    .describe('Queue whose workers train: gpu-<shape> for one kind of machine; gpu unless given'),
  stallAfter: durationSchema.default('30m').describe('A trainer that makes no step for so long is ended and resumed'),
  leaseFor: durationSchema
    .default('15m')
    .describe('A trainer whose supervisor is gone for so long saves and ends by itself'),
  giveUpAfter: z.int().min(1).max(100).default(5).describe('Attempts in a row that may end without a new checkpoint'),
  keepLast: z.int().min(1).max(1000).default(2).describe('Newest checkpoints that keep their full state'),
  replayTolerance: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('Relative difference of replayed losses that counts as equal where arithmetic is not exact (GPUs)'),
  environment: z
    .array(
      z.string().regex(/^(?!TEMPORAL_)[A-Za-z_][A-Za-z0-9_]*$/, 'name a variable; no Temporal setting is passed on'),
    )
    .default([])
    .describe('Variables of the worker that the trainer gets beside the usual few, e.g. HF_TOKEN'),
} as const satisfies Readonly<Record<(typeof SUPERVISION_KEYS)[number], z.ZodType>>;

const finetuneSchema = z.strictObject({ ...recipeShape, ...supervisionShape }).superRefine((spec, context) => {
  if ((spec.trainer === 'command') !== (spec.command !== undefined)) {
    const message =
      spec.command === undefined
        ? '`trainer: command` needs the program to run, e.g. ["python", "train.py"]'
        : 'only `trainer: command` runs a program of yours; leave `command` out or set `trainer: command`';
    context.addIssue({ code: 'custom', path: ['command'], message });
  }
  if (spec.trainer === 'command' && spec.saveEvery === 'auto') {
    const message = 'only the reference trainer measures what a save costs; give a program of yours a number of steps';
    context.addIssue({ code: 'custom', path: ['saveEvery'], message });
  }
  if (spec.microBatchSize !== undefined && spec.batchSize % spec.microBatchSize !== 0) {
    const message = `${String(spec.microBatchSize)} does not divide batchSize ${String(spec.batchSize)}; use a divisor`;
    context.addIssue({ code: 'custom', path: ['microBatchSize'], message });
  }
});

const suitePathSchema = pathSchema.describe('Folder with suite.yaml, a .jsonl file of samples, or a .txt file');
const harnessSchema = harnessNameSchema.default('onnx').describe('Who scores; docs/evaluation.md');

const evaluateSchema = z.strictObject({
  name: nameSchema.describe('What gates, metrics and reports call this suite'),
  suite: suitePathSchema,
  harness: harnessSchema,
});

const probeSchema = z.strictObject({
  suite: suitePathSchema.describe('A small text or suite whose loss is measured along the lines between the models'),
  harness: harnessSchema,
  points: z.int().min(3).max(33).default(5).describe('Models on each line, its two ends among them'),
});
export type ProbeSpec = z.output<typeof probeSchema>;

export const armSchema = z.enum(['plain', 'direct', 'iterative', 'auto', 'transfer-only']);
/** One strategy as run at one release. */
export type Arm = z.output<typeof armSchema>;

/** What the checks across keys look at: they are made as soon as these parts hold, whatever else is wrong. */
const comparedSchema = z.object({
  family: familySchema,
  strategy: z.unknown(),
  controls: z.array(z.unknown()).catch([]),
  evaluate: z.array(evaluateSchema),
  gate: gateSchema.optional(),
  stop: stopSchema.optional(),
});
type Compared = z.output<typeof comparedSchema>;

interface CrossProblem {
  readonly path: (string | number)[];
  readonly message: string;
}

/** Everything that is wrong between keys that are right each by itself. */
function crossProblems(spec: Compared): readonly CrossProblem[] {
  return [...familyProblems(spec.family), ...suiteProblems(spec), ...armProblems(spec)];
}

/** Parts of a gate that name suites. */
const GATE_RULES = [
  'nonInferior',
  'superior',
  'floors',
  'negativeFlips',
] as const satisfies readonly (keyof GateSpec)[];

function suiteProblems({ evaluate, gate }: Compared): readonly CrossProblem[] {
  const suites = evaluate.map((suite) => suite.name);
  const twice = suites.flatMap((name, index) => {
    if (suites.indexOf(name) === index) return [];
    return [{ path: ['evaluate', index, 'name'], message: `\`${name}\` is used twice; give each suite its own name` }];
  });
  const unknown = GATE_RULES.flatMap((rule) =>
    Object.keys(gate?.[rule] ?? {}).flatMap((name) => {
      if (suites.includes(name)) return [];
      return [
        { path: ['gate', rule, name], message: `no suite is called \`${name}\`; use one of ${suites.join(', ')}` },
      ];
    }),
  );
  return [...twice, ...unknown];
}

/** What is said about an arm that does not run. */
function armProblems({ strategy, controls, gate, stop }: Compared): readonly CrossProblem[] {
  const problems: CrossProblem[] = [];
  const hasPlain = strategy !== 'plain' && controls.includes('plain');
  const against = [gate?.against ?? []].flat();
  const noPlain = 'no plain arm runs beside the production arm; add it with `controls: [plain]`';
  if (against.includes('plain') && !hasPlain) problems.push({ path: ['gate', 'against'], message: noPlain });
  if (stop?.target === 'plain' && !hasPlain) problems.push({ path: ['stop', 'target'], message: noPlain });
  return problems;
}

/**
 * One fine-tune kept current over one family, as a user declares it. Unknown keys are errors; defaults live here only.
 * Paths are absolute once `configs/load.ts` has read the file.
 */
export const lineageSpecSchema = z
  .strictObject({
    name: nameSchema,
    family: familySchema,
    strategy: armSchema.describe(
      'The production arm: the one that is gated and published; auto: decided by measurement; transfer-only: the first Δ is added to every release and nothing is trained again',
    ),
    controls: z.array(armSchema).max(3).default([]).describe('Arms that run beside it to prove the benefit'),
    finetune: finetuneSchema,
    evaluate: z
      .array(evaluateSchema)
      .min(1)
      .max(8)
      .describe('The first suite is the target task: it picks the best checkpoint'),
    gate: gateSchema.optional(),
    stop: stopSchema.optional().describe('When a training may end before its steps are done'),
    auto: autoSchema.prefault({}).describe('What the strategy `auto` measures before it decides'),
    probe: probeSchema
      .optional()
      .describe('Measure whether the releases are linearly connected before anything is trained'),
    controlsEvery: z
      .int()
      .min(1)
      .optional()
      .describe('Controls run at every n-th release only, beginning with the first; what `direct` needs runs always'),
    backlog: z
      .enum(['queue', 'latest', 'supersede'])
      .default('queue')
      .describe(
        'What a release does that arrives while another is worked on. queue: all, in family order; latest: that one is finished, then the newest is taken and those between are skipped; supersede: that one ends at a checkpoint, and its best Δ is carried to the newest',
      ),
    budget: budgetSchema.optional().describe('What may be spent, and what happens when it is'),
    priority: z
      .int()
      .min(1)
      .max(5)
      .optional()
      .describe('Of its work on the queues: 1 goes first, 5 last; 3 unless given'),
    team: nameSchema
      .optional()
      .describe('Lineages of one team share its turn on the queues; each is a team of its own unless given'),
    share: z
      .number()
      .min(0.001)
      .max(1000)
      .optional()
      .describe('Turns of its team for each turn of another; 1 unless given'),
    concurrency: z.int().min(1).max(4).optional().describe('Arms that run at a time; all side by side unless given'),
    publish: z
      .array(z.strictObject({ folder: pathSchema }))
      .max(8)
      .default([]),
  })
  .superRefine(
    (spec, context) => {
      for (const { path, message } of crossProblems(spec)) context.addIssue({ code: 'custom', path, message });
    },
    { when: ({ value }) => comparedSchema.safeParse(value).success },
  );
export type LineageSpec = z.output<typeof lineageSpecSchema>;
export type FinetuneSpec = LineageSpec['finetune'];
/** Keys of a fine-tune that change what is computed; the others only say how it is looked after. */
export const RECIPE_KEYS = Object.keys(recipeShape) as readonly (keyof typeof recipeShape)[];
export type SuiteSpec = LineageSpec['evaluate'][number];
