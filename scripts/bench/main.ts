import { fileURLToPath } from 'node:url';
import { benchInference } from './inference/bench-inference.ts';
import { BENCH_USAGE, parseBenchOptions, type BenchRun } from './options.ts';
import { benchOrchestration } from './orchestration/bench-orchestration.ts';
import { benchWeights } from './weights/bench-weights.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Runs the benchmark that the arguments name.
 * @returns the exit code: 0 where every reach that was judged is met, 1 where one is missed or nothing could be measured,
 * 2 where the arguments are wrong
 */
export async function main(args: readonly string[]): Promise<0 | 1 | 2> {
  const parsed = parseBenchOptions(args);
  if (parsed.kind === 'help') {
    console.log(BENCH_USAGE);
    return 0;
  }
  if (parsed.kind === 'wrong') {
    for (const problem of parsed.problems) console.error(`bench: ${problem}`);
    console.error(`\n${BENCH_USAGE}`);
    return 2;
  }
  try {
    return (await run(parsed)) ? 0 : 1;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

async function run(asked: BenchRun): Promise<boolean> {
  switch (asked.kind) {
    case 'run':
      return benchWeights(ROOT, asked.options);
    case 'run-inference':
      return benchInference(ROOT, asked.options);
    case 'run-orchestration':
      return benchOrchestration(ROOT, asked.options);
  }
}
