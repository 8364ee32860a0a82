// npm run chaos -- --seed 7 | --seeds 50 [--from 1] [--keep]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../contracts/error.ts';
import { planChaos } from '../test/chaos/plan-chaos.ts';
import { runChaos } from '../test/chaos/run-chaos.ts';

/** Ends what a seed has started, which would outlive this process. npm sends an interrupt a second time. */
const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    interrupt.abort();
  });
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '3' },
    from: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
});

function whole(name: string, text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  console.error(`--${name} is \`${text}\`, expected a whole number; for example: npm run chaos -- --seeds 50`);
  process.exit(2);
}

/** The problems of one seed. */
async function hold(seed: number): Promise<readonly string[]> {
  const root = await mkdtemp(path.join(tmpdir(), 'regraft-chaos-'));
  console.log(`seed ${String(seed)}`);
  try {
    const say = (line: string): void => {
      console.log(line);
    };
    const { problems, seconds } = await runChaos(planChaos(seed), root, say, interrupt.signal);
    console.log(problems.length === 0 ? `seed ${String(seed)}: kept, ${seconds.toFixed(1)} s` : problems.join('\n'));
    return problems;
  } catch (error) {
    console.log(messageOf(error));
    return [messageOf(error)];
  } finally {
    if (values.keep) console.log(`Everything is in ${root}`);
    else await rm(root, { recursive: true, force: true });
  }
}

const first = whole('from', values.from);
const seeds =
  values.seed === undefined
    ? Array.from({ length: whole('seeds', values.seeds) }, (_, index) => first + index)
    : [whole('seed', values.seed)];
const broken: number[] = [];
for (const seed of seeds) {
  const problems = await hold(seed);
  if (interrupt.signal.aborted) process.exit(130);
  if (problems.length > 0) broken.push(seed);
}
const verdict = broken.length === 0 ? 'every promise was kept' : `promises were broken with seed ${broken.join(', ')}`;
console.log(`${String(seeds.length)} ${seeds.length === 1 ? 'seed' : 'seeds'}: ${verdict}.`);
process.exitCode = broken.length === 0 ? 0 : 1;
