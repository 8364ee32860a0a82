import { stat } from 'node:fs/promises';
import path from 'node:path';
import { actionOf, type Command } from '../command.ts';
import { listOption } from '../list-option.ts';
import { textOption } from '../text-option.ts';
import { deltaText, modelText, newDeltaText, verifiedText } from '../weights/folder-text.ts';
import { neededOptions } from '../weights/needed-options.ts';
import { OUTPUT_DTYPES } from '../weights/read-dtype.ts';
import { readDeltaTerm } from '../weights/read-scale.ts';
import { reportText } from '../weights/report-text.ts';
import { runEngine } from '../weights/run-engine.ts';
import {
  readSelection,
  readShape,
  readThreads,
  SELECTION_OPTIONS,
  SHAPE_OPTIONS,
  THREADS_OPTION,
} from '../weights/work-options.ts';

const diffAction: Command = {
  name: 'delta diff',
  summary: 'Store what a fine-tune changed: Δ = tuned − base',
  positionals: [],
  options: {
    tuned: { type: 'string', value: 'FOLDER', help: 'the fine-tune: a model, or a PEFT LoRA adapter' },
    base: { type: 'string', value: 'FOLDER', help: 'the model that it was tuned from' },
    out: { type: 'string', value: 'FOLDER', help: 'where the delta goes' },
    'max-shard-size': { type: 'string', value: 'SIZE', help: 'largest file; 5GB unless given' },
    ...THREADS_OPTION,
    'allow-distant-base': { type: 'boolean', help: 'go on although base does not look like the parent of tuned' },
  },
  examples: ['regraft delta diff --tuned tuned-may --base base-may --out delta-may'],
  async run(context) {
    const { tuned, base, out } = neededOptions(context, diffAction, ['tuned', 'base', 'out']);
    const input = {
      ...{ tuned, base, out, ...readShape(context), ...readThreads(context) },
      allowDistantBase: context.options['allow-distant-base'] === true,
    };
    const { diff } = await import('../../weights/index.ts');
    // A delta is stored as F32, but for what comes from F64.
    const work = { outs: [out], bytesPerParameter: OUTPUT_DTYPES.F32 };
    const { report, ...effort } = await runEngine(context, work, (options) => diff({ ...input, ...options }));
    context.answer(newDeltaText(`Δ = ${tuned} − ${base}`, report, effort, out), { ...effort, out, report });
  },
};

const applyAction: Command = {
  name: 'delta apply',
  summary: 'Add stored deltas to a model: target + Σ λΔ',
  positionals: [],
  options: {
    target: { type: 'string', value: 'FOLDER', help: 'the model that is added to' },
    delta: {
      ...{ type: 'string', value: 'DELTA[=L]', repeatable: true },
      help: 'a delta and its λ, 1 unless given; tokenizer and chat template are those of the last one',
    },
    out: { type: 'string', value: 'FOLDER', help: 'where the new model goes' },
    ...SELECTION_OPTIONS,
    ...SHAPE_OPTIONS,
    previous: { type: 'string', value: 'DELTA', help: 'an earlier delta; the report compares directions with it' },
    ...THREADS_OPTION,
  },
  examples: [
    'regraft delta apply --target base-june --delta delta-may --out tuned-june',
    'regraft delta apply --target base-june --delta delta-may=0.5 --delta delta-april=0.25 --out tuned-june',
  ],
  async run(context) {
    const { target, out } = neededOptions(context, applyAction, ['target', 'delta', 'out']);
    const deltas = listOption(context, 'delta').map((text) => readDeltaTerm('--delta', text));
    const previous = textOption(context, 'previous');
    const input = {
      ...{ target, deltas, out, ...readSelection(context), ...readShape(context), ...readThreads(context) },
      ...(previous !== undefined && { previous }),
    };
    const { apply, inspect } = await import('../../weights/index.ts');
    const { sizeBytes, parameterCount } = await inspect(target);
    const bytesPerParameter = input.dtype === undefined ? sizeBytes / parameterCount : OUTPUT_DTYPES[input.dtype];
    const { report, ...effort } = await runEngine(context, { outs: [out], bytesPerParameter }, (options) =>
      apply({ ...input, ...options }),
    );
    const title = `${target} + ${deltas.map(({ folder, scale }) => `${String(scale)} · ${folder}`).join(' + ')}`;
    context.answer(reportText(title, { report, out }, effort), { ...effort, out, report });
  },
};

const inspectAction: Command = {
  name: 'delta inspect',
  summary: 'Show what a delta or a model holds, from its headers alone',
  positionals: ['FOLDER'],
  examples: ['regraft delta inspect delta-may'],
  async run(context) {
    const [folder = ''] = context.positionals;
    const { inspect, openDelta } = await import('../../weights/index.ts');
    if (await isDelta(folder)) {
      const { manifest } = await openDelta(folder);
      context.answer(deltaText(folder, manifest), { kind: 'delta', manifest });
    } else {
      const report = await inspect(folder);
      context.answer(modelText(folder, report), { kind: 'model', report });
    }
  },
};

const verifyAction: Command = {
  name: 'delta verify',
  summary: 'Read every byte of a delta, or of a model that Regraft made, and compare with its digests',
  positionals: ['FOLDER'],
  examples: ['regraft delta verify tuned-june'],
  async run(context) {
    const [folder = ''] = context.positionals;
    const { verify } = await import('../../weights/index.ts');
    const report = await verify(folder);
    context.answer(verifiedText(folder, report), report);
  },
};

export const delta: Command = {
  name: 'delta',
  summary: 'Work with stored differences between models: diff, apply, inspect, verify; the engine alone, no server',
  positionals: [],
  actions: [diffAction, applyAction, inspectAction, verifyAction],
  examples: [diffAction, applyAction, inspectAction, verifyAction].flatMap(({ examples }) => examples),
  async run(context) {
    const [word, ...positionals] = context.positionals;
    await actionOf(delta, word).run({ ...context, positionals });
  },
};

/** Told by its manifest; a folder that is not there is left to the engine to complain about. */
async function isDelta(folder: string): Promise<boolean> {
  const found = await stat(path.join(folder, 'delta.json')).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw error;
  });
  return found !== null;
}
