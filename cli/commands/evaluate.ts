import os from 'node:os';
import { isCodedError } from '../../contracts/error.ts';
import { harnessNameSchema, type HarnessName } from '../../contracts/suite.schema.ts';
import type { EvaluatedFolder, EvaluateRequest } from '../../workers/evaluate.ts';
import { InterruptedError, UsageError, type Command, type CommandContext } from '../command.ts';
import { wholeNumber } from '../numbers.ts';
import { textOption } from '../text-option.ts';
import { drawCount } from '../text/count-progress.ts';
import { evaluationText, perplexityOf } from '../text/evaluation-text.ts';
import { interruptible } from '../weights/interruptible.ts';

export const evaluate: Command = {
  name: 'evaluate',
  summary:
    'Score a model folder on a suite: a folder with suite.yaml, a .jsonl of prompts and answers, or a .txt for perplexity',
  positionals: ['MODEL', 'SUITE'],
  options: {
    harness: { type: 'string', value: 'NAME', help: 'onnx, lm-eval or command; what the suite is for unless given' },
    limit: { type: 'string', value: 'N', help: 'only the first N samples' },
    threads: { type: 'string', value: 'N', help: 'threads at most; one for every core unless given' },
    'batch-tokens': {
      ...{ type: 'string', value: 'N' },
      help: 'tokens of one call of the model (2048): more is faster and takes more memory',
    },
  },
  examples: [
    'regraft evaluate models/tuned-june suites/regression',
    'regraft evaluate models/tuned-june questions.jsonl --limit 100',
    'regraft evaluate models/base-june wiki.txt --threads 4',
    'regraft evaluate models/tuned-june suites/gsm8k --json',
  ],
  async run(context) {
    const [model = '', suite = ''] = context.positionals;
    const request = { ...{ model, suite }, ...readOptions(context), environment: context.environment };
    const startedMs = performance.now();
    const evaluated = await work(context, request);
    const seconds = (performance.now() - startedMs) / 1000;
    context.answer(evaluationText(evaluated, seconds), toJson(evaluated, seconds));
  },
};

type Request = Omit<EvaluateRequest, 'signal' | 'onProgress'>;

function readOptions(context: CommandContext): Pick<Request, 'harness' | 'limit' | 'threads' | 'batchTokens'> {
  const number = (name: string): number | undefined =>
    textOption(context, name) === undefined ? undefined : wholeNumber(context, name, 1);
  return {
    harness: readHarness(textOption(context, 'harness')),
    limit: number('limit'),
    threads: number('threads') ?? os.availableParallelism(),
    batchTokens: number('batch-tokens'),
  };
}

function readHarness(text: string | undefined): HarnessName | undefined {
  if (text === undefined) return undefined;
  const { success, data } = harnessNameSchema.safeParse(text);
  if (success) return data;
  throw new UsageError(`--harness is \`${text}\`, expected one of ${harnessNameSchema.options.join(', ')}.`);
}

async function work(context: CommandContext, request: Request): Promise<EvaluatedFolder> {
  const { evaluateFolder } = await import('../../workers/evaluate.ts');
  const progress = drawCount(context.json ? { write: () => true } : process.stderr);
  return interruptible(context, progress, async (signal) => {
    try {
      return await evaluateFolder({ ...request, signal, onProgress: progress.onProgress });
    } catch (error) {
      if (!signal.aborted || isCodedError(error)) throw error;
      throw new InterruptedError('EVALUATE_ABORTED', 'Stopped; nothing is kept of an evaluation that is not whole.');
    }
  });
}

function toJson(evaluated: EvaluatedFolder, seconds: number): unknown {
  const { model, suite, harness, score, interval, lossNats, samples } = evaluated;
  return {
    ...{ model, suite: { name: suite.name, digest: suite.digest }, harness, unit: suite.unit, score, interval },
    ...{ lossNats, perplexity: perplexityOf(evaluated), seconds, samples },
  };
}
