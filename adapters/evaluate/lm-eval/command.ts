import path from 'node:path';
import type { LmEvalDefinition } from '../../../contracts/suite.schema.ts';

/** The command line that runs one task and keeps every sample. Paths are absolute but `includePath`, the suite's own. */
export function lmEvalCommand({
  python,
  modelFolder,
  output,
  definition,
}: {
  readonly python: string;
  readonly modelFolder: string;
  readonly output: string;
  readonly definition: LmEvalDefinition;
}): readonly string[] {
  const { task, includePath, numFewshot, limit, applyChatTemplate, batchSize, dtype, device } = definition;
  return [
    ...[python, '-m', 'lm_eval', 'run', '--model', 'hf'],
    // As JSON: a folder's name may hold the commas and equals signs that the other form is made of.
    ...['--model_args', JSON.stringify({ pretrained: modelFolder, dtype })],
    ...['--tasks', task, '--device', device, '--batch_size', String(batchSize)],
    ...(includePath === undefined ? [] : ['--include_path', path.normalize(includePath)]),
    ...(numFewshot === undefined ? [] : ['--num_fewshot', String(numFewshot)]),
    ...(limit === undefined ? [] : ['--limit', String(limit)]),
    ...(applyChatTemplate ? ['--apply_chat_template'] : []),
    ...['--output_path', output, '--log_samples'],
  ];
}
