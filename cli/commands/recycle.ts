import path from 'node:path';
import type { PlanReport, RecycleModels } from '../../weights/index.ts';
import { UsageError, type Command, type CommandContext } from '../command.ts';
import { listOption } from '../list-option.ts';
import { textOption } from '../text-option.ts';
import { parametersOf } from '../weights/move-text.ts';
import { neededOptions } from '../weights/needed-options.ts';
import { planText } from '../weights/plan-text.ts';
import { problemsError } from '../weights/problems-error.ts';
import { readScale } from '../weights/read-scale.ts';
import { reportText, sweepText } from '../weights/report-text.ts';
import { runEngine } from '../weights/run-engine.ts';
import {
  readSelection,
  readShape,
  readThreads,
  SELECTION_OPTIONS,
  SHAPE_OPTIONS,
  THREADS_OPTION,
} from '../weights/work-options.ts';

export const recycle: Command = {
  name: 'recycle',
  summary: 'Add what a fine-tune changed to another base: target + λ(tuned − base), with the engine alone, no server',
  positionals: [],
  options: {
    tuned: { type: 'string', value: 'FOLDER', help: 'the fine-tune: a model, or a PEFT LoRA adapter' },
    base: { type: 'string', value: 'FOLDER', help: 'the model that it was tuned from' },
    target: { type: 'string', value: 'FOLDER', help: 'the model that the difference is added to' },
    out: { type: 'string', value: 'FOLDER', help: 'where the new model goes; several λ: FOLDER/lambda-…' },
    lambda: { type: 'string', value: 'L', repeatable: true, help: 'how much of the difference; 1 unless given' },
    ...SELECTION_OPTIONS,
    ...SHAPE_OPTIONS,
    previous: { type: 'string', value: 'DELTA', help: 'an earlier delta; the report compares directions with it' },
    ...THREADS_OPTION,
    'allow-distant-base': { type: 'boolean', help: 'go on although base does not look like the parent of tuned' },
    'dry-run': { type: 'boolean', help: 'show what would be done, and what is in the way; needs no --out' },
  },
  examples: [
    'regraft recycle --tuned tuned-may --base base-may --target base-june --out tuned-june',
    'regraft recycle --tuned adapter --base base-may --target base-june --dry-run',
    'regraft recycle --tuned tuned-may --base base-may --target base-june --out sweep --lambda 0.5 --lambda 1',
    'regraft recycle --tuned tuned-may --base base-may --target base-june --out tuned-june --scale "model\\.layers\\.[0-7]\\..*=0.5" --exclude lm_head.weight --dtype BF16 --max-shard-size 5GB',
  ],
  async run(context) {
    const models = readModels(context);
    const scales = readScales(context);
    if (context.options['dry-run'] === true) await showPlan(context, models, scales);
    else await carryOut(context, models, scales);
  },
};

function readModels(context: CommandContext): RecycleModels {
  const needed = context.options['dry-run'] === true ? MODELS : [...MODELS, 'out' as const];
  const { tuned, base, target } = neededOptions(context, recycle, needed);
  const previous = textOption(context, 'previous');
  return {
    ...{ tuned, base, target, ...readSelection(context), ...readShape(context) },
    ...(previous !== undefined && { previous }),
    allowDistantBase: context.options['allow-distant-base'] === true,
  };
}

const MODELS = ['tuned', 'base', 'target'] as const;

function readScales(context: CommandContext): readonly number[] {
  const given = listOption(context, 'lambda').map((text) => readScale('--lambda', text));
  const twice = given.find((scale, index) => given.indexOf(scale) < index);
  if (twice !== undefined) throw new UsageError(`--lambda ${String(twice)} is given twice; give every λ once.`);
  return given.length === 0 ? [1] : given;
}

function titleOf({ tuned, base, target }: RecycleModels, scales: readonly number[]): string {
  return `${target} + λ(${tuned} − ${base}), λ = ${scales.join(', ')}`;
}

async function makePlan(
  context: CommandContext,
  models: RecycleModels,
  outputScales: readonly number[],
): Promise<PlanReport> {
  const { plan } = await import('../../weights/index.ts');
  return await plan({ ...models, ...readThreads(context), outputScales });
}

async function showPlan(context: CommandContext, models: RecycleModels, scales: readonly number[]): Promise<void> {
  const planned = await makePlan(context, models, scales);
  context.answer(planText(titleOf(models, scales), planned), planned);
  if (planned.problems.length > 0) throw problemsError(planned.problems, true);
}

async function carryOut(context: CommandContext, models: RecycleModels, scales: readonly number[]): Promise<void> {
  const { out } = neededOptions(context, recycle, ['out']);
  const threads = readThreads(context);
  const planned = await makePlan(context, models, scales);
  if (planned.coverage === null) throw problemsError(planned.problems);
  const [scale = 1] = scales;
  const outputs =
    scales.length === 1
      ? [{ scale, out }]
      : scales.map((one) => ({ scale: one, out: path.join(out, `lambda-${String(one)}`) }));
  const { sweep } = await import('../../weights/index.ts');
  const bytesPerParameter = planned.diskBytes / parametersOf(planned.coverage);
  const work = { outs: outputs.map((output) => output.out), bytesPerParameter };
  const { report: reports, ...effort } = await runEngine(context, work, (options) =>
    sweep({ ...models, ...threads, ...options, outputs }),
  );
  const results = reports.flatMap((report, index) => {
    const output = outputs[index];
    return output === undefined ? [] : [{ ...output, report }];
  });
  const [first] = results;
  const title = titleOf(models, scales);
  const text =
    results.length === 1 && first !== undefined
      ? reportText(title, first, effort)
      : sweepText(title, results, out, effort);
  context.answer(text, { ...effort, results });
}
