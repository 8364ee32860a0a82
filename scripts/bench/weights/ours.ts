// The engine as its user calls it; the one file of the benchmark that knows it.
//   node ours.js recycle|recycle-default TARGET TUNED BASE OUT
//   node ours.js plan TARGET TUNED BASE RESULT
// plan writes the seconds that it took inside this process, the start of Node and the imports not counted.
import { writeFileSync } from 'node:fs';
import { plan, recycle, type RecycleInput } from '../../../weights/index.ts';

const MODES: Readonly<Record<string, (input: RecycleInput) => Promise<unknown>>> = {
  // The work of cat, cp and mergekit: a model, and nothing said about it.
  recycle: (input) => recycle({ ...input, digests: false, health: false, durable: false }),
  'recycle-default': (input) => recycle({ ...input, durable: false }),
  plan: timePlan,
};

async function main([mode = '', target = '', tuned = '', base = '', out = '']: readonly string[]): Promise<void> {
  const work = MODES[mode];
  if (work === undefined) throw new Error(`found \`${mode}\`, expected one of ${Object.keys(MODES).join(', ')}.`);
  await work({ target, tuned, base, scale: 1, out });
}

async function timePlan({ out, ...input }: RecycleInput): Promise<void> {
  const startedMs = performance.now();
  const { problems } = await plan(input);
  const seconds = (performance.now() - startedMs) / 1000;
  if (problems.length > 0) throw new Error(`The models do not fit: ${problems[0]?.sentence ?? ''}`);
  writeFileSync(out, String(seconds));
}

await main(process.argv.slice(2));
