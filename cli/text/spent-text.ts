import type { LineageBudget } from '../../contracts/budget.schema.ts';
import type { Spent } from '../../contracts/run.ts';

const THEN: Readonly<Record<LineageBudget['then'], string>> = {
  pause: 'when that is spent, the lineage is paused',
  skip: 'when that is spent, releases are skipped',
};

/** What a lineage has taken, of what it may take; null: nothing is known and nothing is limited. */
export function spentText(spent: Spent | undefined, budget: LineageBudget | undefined): string | null {
  if (spent === undefined && budget === undefined) return null;
  const taken = partsOf(spent ?? { steps: 0, gpuSeconds: 0, trainedSeconds: 0 }, budget ?? {}).join(', ');
  return budget === undefined ? taken : `${taken}; ${THEN[budget.then]}`;
}

function partsOf({ steps, gpuSeconds, trainedSeconds }: Spent, limits: Partial<LineageBudget>): readonly string[] {
  const usesGpus = gpuSeconds > 0 || limits.gpuHours !== undefined;
  return [
    partOf(String(steps), limits.steps, 'steps'),
    ...(usesGpus ? [partOf(hours(gpuSeconds), limits.gpuHours, 'GPU-hours')] : []),
    partOf(`${hours(trainedSeconds)} h`, limits.wallTime, 'of training'),
  ];
}

function partOf(taken: string, limit: number | string | undefined, unit: string): string {
  return `${taken}${limit === undefined ? '' : ` of ${String(limit)}`} ${unit}`;
}

function hours(seconds: number): string {
  return (seconds / 3600).toFixed(2);
}
