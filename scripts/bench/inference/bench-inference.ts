import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { inBenchFolder } from '../in-bench-folder.ts';
import { describeMachine } from '../machine.ts';
import type { InferenceBenchOptions } from '../options.ts';
import { say } from '../say.ts';
import { compileOurs } from './compile-ours.ts';
import { benchModels, makeModel, weightBytes } from './models.ts';
import { judgeInference } from './reaches.ts';
import type { InferenceRow } from './row.ts';
import { runRounds } from './run-rounds.ts';
import { inferenceText } from './table.ts';

/**
 * Makes what is missing, measures ours beside transformers, prints the table, writes the rows. Two at once in one folder: the
 * second waits.
 * @param root the checkout
 * @returns whether no reach is missed
 */
export async function benchInference(root: string, options: InferenceBenchOptions): Promise<boolean> {
  return inBenchFolder(root, options, (home) => benchIn(home, root, options));
}

async function benchIn(home: string, root: string, options: InferenceBenchOptions): Promise<boolean> {
  const { size, runs, only, json } = options;
  const python = join(root, '.venv', 'bin', 'python');
  const ours = await compileOurs(root, join(home, 'inference-engine'));
  const threadCounts = size === 'full' && availableParallelism() > 1 ? [1, 2] : [1];
  const rows: InferenceRow[] = [];
  const judged = new Map<string, number>();
  const models = benchModels(size);
  for (const model of models) {
    const folder = await makeModel(model, home, python);
    // The program itself is larger than the demo's model.
    if (model.dtype === 'float32' && model.name !== 'demo') judged.set(model.name, await weightBytes(folder));
    for (const threads of threadCounts) {
      const place = { name: model.name, folder, threads };
      rows.push(...(await runRounds(place, { root, ours, python, runs, only, say })));
    }
  }
  const castModels = new Set(models.filter(({ dtype }) => dtype !== 'float32').map(({ name }) => name));
  const verdicts = judgeInference(rows, { judgesTimes: size === 'full', castModels, weightBytes: judged });
  console.log(`${describeMachine()}\nfloat32 arithmetic, tools run in turns, each in a process of its own`);
  console.log(inferenceText(rows, verdicts));
  if (json !== null) await writeFile(json, `${JSON.stringify(rows, null, 2)}\n`);
  return verdicts.every(({ mark }) => mark !== 'MISSED');
}
