// The engine as its user calls it; the one file of the benchmark that knows it.
//   node ours.js MODEL THREADS STARTED_MS in-place|prepacked
// Prints seconds by case, memoryBytes and peakBytes. STARTED_MS is the time of day when this was started.
import { readFileSync } from 'node:fs';
import { openLanguageModel, type ScoreRequest } from '../../../inference/index.ts';

const NEW_TOKENS = 64;
/** So much work that the weights are copied for it. */
const LONG_WORK = { scoredTokens: 1e9, generatedTokens: 1e9 };

async function main([folder = '', threads = '', startedMs = '', mode = '']: readonly string[]): Promise<object> {
  const before = resident('VmRSS');
  const opened = performance.now();
  const work = mode === 'prepacked' ? LONG_WORK : undefined;
  const model = await openLanguageModel(folder, { threads: Number(threads), work });
  const memoryBytes = resident('VmRSS') - before;
  const { vocabularySize } = model.limits;
  const rowOf = (count: number, row: number): ScoreRequest => {
    const [first = 0, ...continuation] = tokens(count, row, vocabularySize);
    return { prompt: [first], continuation };
  };
  const write = async (prompts: readonly (readonly number[])[]): Promise<unknown> =>
    model.generate(
      prompts.map((prompt) => ({ prompt, maxNewTokens: NEW_TOKENS })),
      { endTokenIds: [] },
    );
  await model.score([rowOf(2, 0)]);
  const load = (performance.now() - opened) / 1000;
  const start = (Date.now() - Number(startedMs)) / 1000;
  const rows = Array.from({ length: 8 }, (_, row) => rowOf(128, row));
  const prompts = rows.map((_, row) => tokens(16 + 2 * row, row, vocabularySize));
  const seconds = {
    load,
    start,
    score: await timed(() => model.score(rows)),
    'generate-1': await timed(() => write([tokens(24, 0, vocabularySize)])),
    'generate-8': await timed(() => write(prompts)),
  };
  await model.close();
  return { seconds, memoryBytes, peakBytes: resident('VmHWM') };
}

/** The same as in theirs.py. */
function tokens(count: number, row: number, vocabulary: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => (index * 7919 + row * 104_729 + 3) % vocabulary);
}

/** Seconds of the second of two. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  await work();
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

function resident(field: 'VmRSS' | 'VmHWM'): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/self/status has no ${field}; this benchmark runs on Linux.`);
  return Number(kilobytes) * 1024;
}

console.log(JSON.stringify(await main(process.argv.slice(2))));
