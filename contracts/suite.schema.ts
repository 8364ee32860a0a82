import { z } from 'zod';
import { outcomeUnitSchema } from './evaluation.schema.ts';

/** Who scores: this process (`onnx`), EleutherAI's harness in a process of its own, or any program. */
export const harnessNameSchema = z.enum(['onnx', 'lm-eval', 'command']);
export type HarnessName = z.output<typeof harnessNameSchema>;

const besideSchema = (...endings: readonly string[]) =>
  z
    .string()
    .regex(
      new RegExp(`^[^/\\\\]+\\.(${endings.join('|')})$`),
      `name a .${endings.join(' or .')} file beside suite.yaml`,
    );
const nameSchema = z.string().min(1).describe('For people; a lineage calls the suite by a name of its own');
const limitSchema = z.int().min(1).describe('Only the first so many samples count');

const regexSchema = z
  .strictObject({
    pattern: z.string().min(1).describe('Regular expression (ECMAScript) for what counts in the written text'),
    group: z
      .union([z.int().min(0), z.string().min(1)])
      .optional()
      .describe('Group that holds the answer, by number or name; the first, or the whole match where there is none'),
    flags: z
      .string()
      .regex(/^[imsu]*$/, 'use the flags i, m, s, u')
      .default(''),
    take: z.enum(['last', 'first']).default('last').describe('Which match counts'),
  })
  .superRefine(({ pattern, flags }, context) => {
    try {
      new RegExp(pattern, flags);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      context.addIssue({ code: 'custom', path: ['pattern'], message: `${why}; correct the expression or its flags` });
    }
  });
const numericSchema = z.strictObject({
  tolerance: z.number().min(0).default(0).describe('How far the number may be from the answer and still be right'),
});
const multipleChoiceSchema = z.strictObject({
  choices: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(2)])
    .describe('Field of the sample that lists them, or the list itself ({field} is filled in)'),
  delimiter: z.string().default('').describe('Between prompt and choice, often one space'),
  normalize: z
    .enum(['none', 'length'])
    .default('none')
    .describe('length: divide a choice’s log-likelihood by its characters'),
});
const perplexitySchema = z.strictObject({
  contextTokens: z
    .int()
    .min(2)
    .optional()
    .describe('Tokens a window has at most; 1024, or the model’s positions where they are fewer'),
  stride: z.int().min(1).optional().describe('Tokens between the starts of windows; contextTokens unless given'),
});

const SCORERS = 'exact, regex, numeric, multiple-choice and perplexity';

/** How an answer is judged: a scorer's name, or its name with its settings. The output is one union by `kind`. */
export const scorerSchema = z.preprocess(
  (written) => (typeof written === 'string' ? { [written]: {} } : written),
  z
    .strictObject(
      {
        exact: z.strictObject({}).optional(),
        regex: regexSchema.optional(),
        numeric: numericSchema.optional(),
        'multiple-choice': multipleChoiceSchema.optional(),
        perplexity: perplexitySchema.optional(),
      },
      { error: ({ code }) => (code === 'unrecognized_keys' ? `no such scorer; there are ${SCORERS}` : undefined) },
    )
    .transform((scorers, context) => {
      const { exact, regex, numeric, perplexity, 'multiple-choice': choice } = scorers;
      if (context.issues.length > 0) return z.NEVER;
      if (Object.keys(scorers).length !== 1) {
        context.issues.push({ code: 'custom', input: scorers, message: `name one scorer; there are ${SCORERS}` });
        return z.NEVER;
      }
      if (exact !== undefined) return { kind: 'exact', ...exact } as const;
      if (regex !== undefined) return { kind: 'regex', ...regex } as const;
      if (numeric !== undefined) return { kind: 'numeric', ...numeric } as const;
      if (choice !== undefined) return { kind: 'multiple-choice', ...choice } as const;
      return { kind: 'perplexity', ...perplexity } as const;
    }),
);
/** How an answer is judged. */
export type Scorer = z.output<typeof scorerSchema>;

const fewShotSchema = z.strictObject({
  samples: besideSchema('jsonl').optional().describe('File of the examples; the suite’s own samples unless given'),
  count: z.int().min(1).max(100).describe('Examples before each prompt, in the file’s order'),
  separator: z.string().default('\n\n').describe('Between examples; with `chat` each is a turn of its own'),
});

/** A suite in our own format: what is asked, what the answer is, and how it is judged. */
export const samplesDefinitionSchema = z
  .strictObject({
    name: nameSchema,
    harness: z.literal('onnx').default('onnx'),
    samples: besideSchema('jsonl', 'txt').describe('JSONL file of samples; or, for perplexity, a text'),
    prompt: z
      .string()
      .min(1)
      .optional()
      .describe('What the model reads: `{prompt}` unless given; {field} is filled in'),
    answer: z.string().min(1).optional().describe('The reference answer: `{completion}` unless given'),
    chat: z
      .union([z.boolean(), z.strictObject({ system: z.string().min(1) })])
      .default(false)
      .describe('The prompt goes through the model’s chat template, after a system message where there is one'),
    scorer: scorerSchema.prefault('exact'),
    fewShot: fewShotSchema.optional(),
    stop: z.array(z.string().min(1)).min(1).max(16).optional().describe('Texts at which the model’s answer ends'),
    maxNewTokens: z.int().min(1).max(65_536).optional().describe('Tokens the model may write, 256 unless given'),
    limit: limitSchema.optional(),
  })
  .superRefine((suite, context) => {
    for (const key of uselessKeys(suite)) {
      const message = `the scorer ${suite.scorer.kind} makes no use of it; leave it out`;
      context.addIssue({ code: 'custom', path: [key], message });
    }
    if (suite.samples.endsWith('.txt') && suite.scorer.kind !== 'perplexity') {
      const message = 'a text has perplexity and nothing else; set `scorer: perplexity` or name a .jsonl file';
      context.addIssue({ code: 'custom', path: ['samples'], message });
    }
  });
/** A suite of our own format as its suite.yaml says. */
export type SamplesDefinition = z.output<typeof samplesDefinitionSchema>;

/** Keys that are set although the suite's scorer looks at none of them. */
function uselessKeys(
  suite: {
    readonly [Key in 'prompt' | 'answer' | 'chat' | 'fewShot' | 'stop' | 'maxNewTokens']?: unknown;
  } & { readonly scorer: Scorer },
): readonly string[] {
  const { kind } = suite.scorer;
  const generates = kind !== 'perplexity' && kind !== 'multiple-choice';
  const unused = [
    ...(kind === 'perplexity' ? (['prompt', 'fewShot'] as const) : []),
    ...(generates ? [] : (['stop', 'maxNewTokens'] as const)),
  ].filter((key) => suite[key] !== undefined);
  return kind === 'perplexity' && suite.chat !== false ? [...unused, 'chat'] : unused;
}

/** A task of EleutherAI's lm-evaluation-harness. */
export const lmEvalDefinitionSchema = z.strictObject({
  name: nameSchema,
  harness: z.literal('lm-eval'),
  task: z
    .string()
    .regex(/^[\w.-]+$/, 'name one task')
    .describe('Name of one task, not of a group'),
  metric: z
    .string()
    .regex(/^\w+(,[\w-]+)?$/, 'write METRIC or METRIC,FILTER, as in exact_match,strict-match')
    .describe('Per-sample metric that counts, with its filter where the task has several'),
  unit: outcomeUnitSchema.default('share').describe('share: from 0 wrong to 1 right; nats: log-likelihood'),
  includePath: z
    .string()
    .regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))./, 'name a folder beside suite.yaml')
    .optional()
    .describe('Folder with tasks of your own; `.` is the suite’s own'),
  numFewshot: z.int().min(0).max(100).optional(),
  limit: limitSchema.optional(),
  applyChatTemplate: z.boolean().default(false),
  batchSize: z.int().min(1).max(1024).default(8),
  dtype: z.enum(['float32', 'bfloat16', 'float16', 'auto']).default('float32').describe('Of the weights as loaded'),
  device: z
    .string()
    .regex(/^[a-z]+(:\d+)?$/, 'write cpu, cuda or cuda:0')
    .default('cpu'),
});
/** A suite of lm-eval as its suite.yaml says. */
export type LmEvalDefinition = z.output<typeof lmEvalDefinitionSchema>;

/** Any program that scores a model. */
export const commandDefinitionSchema = z.strictObject({
  name: nameSchema,
  harness: z.literal('command'),
  command: z
    .array(z.string().min(1))
    .min(1)
    .describe('Program and arguments, run in the suite’s folder; {model}, {suite} and {output} are filled in')
    .superRefine((command, context) => {
      if (command.some((word) => word.includes('{output}'))) return;
      context.addIssue({ code: 'custom', message: 'no argument has {output}, the file that the results go to' });
    }),
  version: z.string().min(1).default('1').describe('Change it when the program changes outside of this folder'),
  unit: outcomeUnitSchema.default('share').describe('share: from 0 wrong to 1 right; nats: log-likelihood'),
  ids: besideSchema('jsonl')
    .optional()
    .describe('JSONL file whose `id` fields are the samples that must come back, each once'),
});
/** A suite of a program as its suite.yaml says. */
export type CommandDefinition = z.output<typeof commandDefinitionSchema>;

/** One line that a program of `harness: command` writes to {output}. */
export const commandResultSchema = z
  .strictObject({
    id: z.union([z.string().min(1), z.int()]).transform(String),
    outcome: z.number(),
    weight: z.number().gt(0).default(1),
    lossNats: z.number().nullable().default(null),
    answerTokens: z.int().min(0).default(0),
    answer: z.string().nullable().default(null),
  })
  .refine(({ lossNats, answerTokens }) => (lossNats === null) === (answerTokens === 0), {
    path: ['answerTokens'],
    message: '`lossNats` is a mean over `answerTokens` tokens; write both or neither',
  });
