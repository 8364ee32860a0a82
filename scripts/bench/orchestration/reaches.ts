import { spreadOf } from '../statistics.ts';
import type { OrchestrationRow } from './row.ts';

export interface OrchestrationVerdict {
  readonly reach: string;
  /** `not judged`: measured at a size that says nothing about it. */
  readonly mark: 'met' | 'MISSED' | 'not judged';
  readonly found: string;
}

/** "A run costs seconds and a few hundred history events beside its real work", in numbers. */
const RUN_SECONDS = 10;
const RUN_EVENTS = 500;

/** Holds rows against the numbers to reach; times by their medians, and only where `judgesTimes`. */
export function judgeOrchestration(
  rows: readonly OrchestrationRow[],
  { judgesTimes }: { readonly judgesTimes: boolean },
): readonly OrchestrationVerdict[] {
  return rows.flatMap((row) => [...(row.case === 'one' ? judgeCosts(row, judgesTimes) : []), judgeEnds(row)]);
}

function judgeCosts(row: OrchestrationRow, judgesTimes: boolean): readonly OrchestrationVerdict[] {
  const { median } = spreadOf(row.seconds);
  const eventsPerRun = row.release.events / row.arms.length;
  return [
    {
      reach: `${nameOf(row)}: a release in less than ${RUN_SECONDS} s`,
      mark: judgesTimes ? metWhen(median < RUN_SECONDS) : 'not judged',
      found: `${median.toFixed(2)} s`,
    },
    {
      reach: `${nameOf(row)}: less than ${RUN_EVENTS} events for each run, with its part of the lineage's`,
      mark: metWhen(eventsPerRun < RUN_EVENTS),
      found: eventsPerRun.toFixed(0),
    },
  ];
}

function judgeEnds(row: OrchestrationRow): OrchestrationVerdict {
  const all = row.seconds.length;
  const reach =
    row.case === 'many'
      ? `many: ${row.lineages} lineages bring their release live`
      : `${nameOf(row)}: every release live`;
  const { length: failed } = row.failures;
  return { reach, mark: metWhen(failed === 0), found: failed === 0 ? `${all} of ${all}` : `${failed} not` };
}

function metWhen(isMet: boolean): 'met' | 'MISSED' {
  return isMet ? 'met' : 'MISSED';
}

function nameOf({ case: id, arms }: OrchestrationRow): string {
  return arms.length === 1 ? id : `${id}, with plain`;
}
