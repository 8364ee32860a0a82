import { join } from 'node:path';
import { runQuietly } from '../../lib/run-quietly.mjs';
import { spreadOf } from '../statistics.ts';
import { INFERENCE_CASE_IDS, type InferenceCaseId } from './case-ids.ts';
import type { InferenceRow, InferenceTool } from './row.ts';

const THEIRS = join('scripts', 'bench', 'inference', 'python', 'theirs.py');
const TOOLS: readonly InferenceTool[] = ['regraft', 'regraft-prepacked', 'transformers'];

export interface InferenceRoundsInput {
  readonly root: string;
  /** The compiled `ours.ts`. */
  readonly ours: string;
  readonly python: string;
  readonly runs: number;
  readonly only: readonly InferenceCaseId[];
  readonly say: (line: string) => void;
}

interface Run {
  readonly seconds: Readonly<Record<InferenceCaseId, number>>;
  readonly memoryBytes: number;
  readonly peakBytes: number;
}

/**
 * Measures one model with one number of threads: the tools in turns, so that what disturbs the machine disturbs them alike, each
 * run in a process of its own, one at a time. Ends at the first that fails.
 */
export async function runRounds(
  model: { readonly name: string; readonly folder: string; readonly threads: number },
  input: InferenceRoundsInput,
): Promise<readonly InferenceRow[]> {
  const runs = new Map<InferenceTool, Run[]>(TOOLS.map((tool) => [tool, []]));
  for (let round = 1; round <= input.runs; round += 1) {
    for (const [tool, soFar] of runs) {
      soFar.push(await runOnce(tool, model, input));
      input.say(`run ${round} of ${input.runs}, ${model.name}, ${threadsText(model.threads)}, ${tool}`);
    }
  }
  return INFERENCE_CASE_IDS.filter((id) => input.only.includes(id)).flatMap((id) =>
    [...runs].map(([tool, done]) => ({
      case: id,
      tool,
      ...{ model: model.name, threads: model.threads },
      seconds: done.map(({ seconds }) => seconds[id]),
      memoryBytes: spreadOf(done.map(({ memoryBytes }) => memoryBytes)).median,
      peakBytes: Math.max(...done.map(({ peakBytes }) => peakBytes)),
    })),
  );
}

export function threadsText(threads: number): string {
  return threads === 1 ? '1 thread' : `${threads} threads`;
}

async function runOnce(
  tool: InferenceTool,
  { folder, threads }: { readonly folder: string; readonly threads: number },
  { root, ours, python }: InferenceRoundsInput,
): Promise<Run> {
  const args = [folder, String(threads), String(Date.now())];
  const [command, ...rest] =
    tool === 'transformers'
      ? [python, THEIRS, ...args]
      : [process.execPath, ours, ...args, tool === 'regraft' ? 'in-place' : 'prepacked'];
  const env = { ...process.env, OMP_NUM_THREADS: String(threads), HF_HUB_OFFLINE: '1', CUDA_VISIBLE_DEVICES: '' };
  const { ok, output } = await runQuietly(command, rest, { cwd: root, env });
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  if (!ok) throw new Error(`\`${[command, ...rest].join(' ')}\` failed; its own words:\n${output.trimEnd()}`);
  return parseRun(last);
}

function parseRun(line: string): Run {
  const found: unknown = JSON.parse(line);
  const numberOf = (holder: unknown, name: string): number => {
    const value: unknown = typeof holder === 'object' && holder !== null ? Reflect.get(holder, name) : undefined;
    if (typeof value === 'number') return value;
    throw new Error(`A measured process printed ${line}, expected a number of ${name}; report this.`);
  };
  const all: unknown = typeof found === 'object' && found !== null ? Reflect.get(found, 'seconds') : undefined;
  const seconds = {
    ...{ start: numberOf(all, 'start'), load: numberOf(all, 'load'), score: numberOf(all, 'score') },
    ...{ 'generate-1': numberOf(all, 'generate-1'), 'generate-8': numberOf(all, 'generate-8') },
  };
  return { seconds, memoryBytes: numberOf(found, 'memoryBytes'), peakBytes: numberOf(found, 'peakBytes') };
}
