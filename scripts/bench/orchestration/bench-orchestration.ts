import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inBenchFolder } from '../in-bench-folder.ts';
import { describeMachine } from '../machine.ts';
import type { OrchestrationBenchOptions } from '../options.ts';
import { say } from '../say.ts';
import { measureAllAtOnce } from './all-at-once.ts';
import { measureOneByOne } from './one-by-one.ts';
import { inPlace, type Place } from './place.ts';
import { judgeOrchestration } from './reaches.ts';
import type { OrchestrationRow } from './row.ts';
import { orchestrationText } from './table.ts';

const LINEAGES = { small: 20, full: 1000 } as const;

const NOTE = `Temporal's dev server as \`regraft up\` starts it, one worker process for all five queues, one client; real workflows,
activities that answer at once: a release costs this much beside its weights, trainings and evaluations.`;

/**
 * Measures what a release costs beside its real work, each case with a server and a worker of its own, prints the table, writes
 * the rows. Two at once in one folder: the second waits.
 * @param root the checkout
 * @returns whether no reach is missed
 */
export async function benchOrchestration(root: string, options: OrchestrationBenchOptions): Promise<boolean> {
  return inBenchFolder(root, options, async (home) => {
    const { size, runs, only, json } = options;
    const rows: OrchestrationRow[] = [];
    const measure = async (what: string, work: (place: Place) => Promise<OrchestrationRow>): Promise<void> => {
      say(what);
      rows.push(await inPlace(root, join(home, 'orchestration'), work));
    };
    if (only.includes('one')) {
      await measure(`one lineage, ${runs} releases`, (place) => measureOneByOne(place, [], runs));
      await measure(`the same with a plain control`, (place) => measureOneByOne(place, ['plain'], runs));
    }
    if (only.includes('many')) {
      await measure(`${LINEAGES[size]} lineages, one release`, (place) => measureAllAtOnce(place, LINEAGES[size]));
    }
    const verdicts = judgeOrchestration(rows, { judgesTimes: size === 'full' });
    for (const failure of rows.flatMap(({ failures }) => failures)) say(failure);
    console.log(`${describeMachine()}\n${NOTE}`);
    console.log(orchestrationText(rows, verdicts));
    if (json !== null) await writeFile(json, `${JSON.stringify(rows, null, 2)}\n`);
    return verdicts.every(({ mark }) => mark !== 'MISSED');
  });
}
