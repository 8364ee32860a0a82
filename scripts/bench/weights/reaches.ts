import { spreadOf } from '../statistics.ts';
import type { CaseId } from './case-ids.ts';
import type { BenchRow } from './row.ts';

/** `not judged`: measured at a size that says nothing about it. `not measured`: a case that it needs was left out. */
export type Mark = 'met' | 'MISSED' | 'not judged' | 'not measured';

export interface Verdict {
  readonly reach: string;
  readonly mark: Mark;
  /** What came out beside what was allowed, in words; empty where nothing was measured. */
  readonly found: string;
}

type Reach =
  /** Median of `of` ≤ (sum of the medians of `within`) / `factor`. */
  | { readonly kind: 'time'; readonly of: CaseId; readonly within: readonly CaseId[]; readonly factor: number }
  | { readonly kind: 'seconds'; readonly of: CaseId; readonly seconds: number }
  | { readonly kind: 'memory'; readonly of: CaseId; readonly bytes: number }
  | { readonly kind: 'values'; readonly of: CaseId };

const PEAK_BYTES = 256e6;

const REACHES: readonly Reach[] = [
  { kind: 'time', of: 'recycle', within: ['cat', 'cp'], factor: 1 },
  { kind: 'time', of: 'recycle', within: ['mergekit'], factor: 10 },
  { kind: 'time', of: 'recycle', within: ['whole-model'], factor: 20 },
  { kind: 'time', of: 'recycle-default', within: ['cat', 'cp', 'sha256sum'], factor: 1 },
  // The same limit with the quickest sha256 that there is: a slow sha256sum must not make ours look quick.
  { kind: 'time', of: 'recycle-default', within: ['cat', 'cp', 'sha256-openssl'], factor: 1 },
  { kind: 'time', of: 'recycle-default', within: ['mergekit'], factor: 5 },
  { kind: 'seconds', of: 'plan-70b', seconds: 0.3 },
  { kind: 'memory', of: 'recycle', bytes: PEAK_BYTES },
  { kind: 'memory', of: 'recycle-default', bytes: PEAK_BYTES },
  { kind: 'memory', of: 'recycle-4x', bytes: PEAK_BYTES },
  { kind: 'values', of: 'recycle' },
  { kind: 'values', of: 'recycle-default' },
  { kind: 'values', of: 'recycle-4x' },
];

/**
 * Holds rows against the numbers to reach. Limits are inclusive; times are judged by medians, memory and values by the worst
 * run. Times of small models are start-up times: pass `judgesTimes: false`, and they are shown and not judged.
 */
export function judgeReaches(rows: readonly BenchRow[], { judgesTimes }: { judgesTimes: boolean }): readonly Verdict[] {
  const rowOf = new Map(rows.map((row) => [row.case, row]));
  return REACHES.map((reach) => {
    const row = rowOf.get(reach.of);
    const limits = reach.kind === 'time' ? reach.within.map((id) => rowOf.get(id)) : [];
    const others = limits.filter((limit) => limit !== undefined);
    if (row === undefined || others.length < limits.length) {
      return { reach: describe(reach), mark: 'not measured', found: '' };
    }
    const { isMet, found } = compare(reach, row, others);
    const isTime = reach.kind === 'time' || reach.kind === 'seconds';
    const mark = isTime && !judgesTimes ? 'not judged' : isMet ? 'met' : 'MISSED';
    return { reach: describe(reach), mark, found };
  });
}

function describe(reach: Reach): string {
  switch (reach.kind) {
    case 'time': {
      const limit = reach.within.join(' + ');
      return reach.factor === 1
        ? `${reach.of}: no slower than ${limit}`
        : `${reach.of}: ${reach.factor}× as fast as ${limit}`;
    }
    case 'seconds':
      return `${reach.of}: in ${(reach.seconds * 1000).toFixed(0)} ms`;
    case 'memory':
      return `${reach.of}: peak memory at most ${(reach.bytes / 1e6).toFixed(0)} MB`;
    case 'values':
      return `${reach.of}: no value off`;
  }
}

function compare(reach: Reach, row: BenchRow, others: readonly BenchRow[]): { isMet: boolean; found: string } {
  switch (reach.kind) {
    case 'time': {
      const seconds = spreadOf(row.wallSeconds).median;
      const limit = others.reduce((sum, { wallSeconds }) => sum + spreadOf(wallSeconds).median, 0);
      const ratio =
        reach.factor === 1 ? `${(seconds / limit).toFixed(2)}×` : `${(limit / seconds).toFixed(1)}× as fast`;
      return {
        isMet: seconds * reach.factor <= limit,
        found: `${ratio} (${seconds.toFixed(2)} s beside ${limit.toFixed(2)} s)`,
      };
    }
    case 'seconds': {
      const { median } = spreadOf(row.wallSeconds);
      return { isMet: median <= reach.seconds, found: `${(median * 1000).toFixed(0)} ms` };
    }
    case 'memory':
      return { isMet: row.peakBytes <= reach.bytes, found: `${(row.peakBytes / 1e6).toFixed(0)} MB` };
    case 'values':
      return { isMet: row.valuesOff === 0, found: `${row.valuesOff ?? 'unknown'} off` };
  }
}
