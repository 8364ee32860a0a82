import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RegraftError } from '../../contracts/error.ts';
import type { Drill, DrillRow } from '../../drills/drill.ts';
import type { DrillGround } from '../../drills/drill-ground.ts';
import { InterruptedError, UsageError, type Command, type CommandContext } from '../command.ts';
import { createProgress, type Progress } from '../demo/progress.ts';
import { interrupted } from '../interrupted.ts';
import { tableText } from '../text/table.ts';
import { textOption } from '../text-option.ts';

export const drill: Command = {
  name: 'drill',
  summary: 'Break things on purpose in real runs, and show what every fault costs',
  positionals: [],
  options: {
    only: { type: 'string', value: 'FAULT,…', help: 'these faults only; without it all' },
    keep: { type: 'boolean', help: 'leave the folder with everything that the drills wrote' },
  },
  examples: ['regraft drill', 'regraft drill --only trainer-killed,worker-frozen', 'regraft drill --json --keep'],
  async run(context) {
    const [{ DRILLS }, { DrillGround }] = await Promise.all([
      import('../../drills/all-drills.ts'),
      import('../../drills/drill-ground.ts'),
    ]);
    const drills = chosen(context, DRILLS);
    const root = await mkdtemp(path.join(tmpdir(), 'regraft-drill-'));
    const progress = createProgress(context.json ? { write: () => true } : process.stdout);
    const ground = new DrillGround({ root, environment: context.environment });
    try {
      const rows = await Promise.race([holdAll(ground, drills, progress), stopped()]);
      context.answer(`\n${tableOf(rows)}`, rows);
      assertKept(rows);
    } finally {
      await ground.close();
      progress.end();
      if (context.options['keep'] === true) context.say(`Everything that the drills wrote is in ${root}`);
      else await rm(root, { recursive: true, force: true });
    }
  },
};

function chosen(context: CommandContext, all: readonly Drill[]): readonly Drill[] {
  const only = textOption(context, 'only');
  if (only === undefined) return all;
  return only.split(',').map((name) => {
    const found = all.find(({ fault }) => fault === name.trim());
    if (found !== undefined) return found;
    throw new UsageError(`--only names \`${name}\`; there are ${all.map(({ fault }) => fault).join(', ')}.`);
  });
}

async function holdAll(
  ground: DrillGround,
  drills: readonly Drill[],
  progress: Progress,
): Promise<readonly DrillRow[]> {
  progress.event('a tiny model, its task, and the run that nobody disturbs');
  await ground.prepare();
  for (const { fault, summary } of drills) progress.event(`${fault}: ${summary}`);
  return ground.holdAll(drills, (row) => {
    progress.event(row.broken.length === 0 ? `${row.fault}: kept` : `${row.fault}: BROKEN, ${row.broken.join('; ')}`);
  });
}

async function stopped(): Promise<never> {
  await interrupted();
  throw new InterruptedError('INTERRUPTED', 'The drills were interrupted; everything that they started was ended.');
}

function tableOf(rows: readonly DrillRow[]): string {
  const head = ['fault', 'steps lost', 'seconds to training', 'replayed steps', 'curve', 'final weights', 'promise'];
  const lines = rows.map((row) => [
    row.fault,
    row.stepsLost === null ? '–' : String(row.stepsLost),
    row.secondsToTraining?.toFixed(1) ?? '–',
    row.continuity ?? '–',
    sameness(row.curveEqual),
    sameness(row.finalDigestEqual),
    row.broken.length === 0 ? 'kept' : 'BROKEN',
  ]);
  return tableText(head, lines);
}

function sameness(isEqual: boolean | null): string {
  if (isEqual === null) return '–';
  return isEqual ? 'identical' : 'DIFFERENT';
}

function assertKept(rows: readonly DrillRow[]): void {
  const broken = rows.filter((row) => row.broken.length > 0);
  if (broken.length === 0) return;
  const sentences = broken.map((row) => `${row.fault}: ${row.broken.join('; ')}`).join('\n  ');
  throw new RegraftError('DRILL_PROMISE_BROKEN', `Not every promise was kept.\n  ${sentences}`);
}
