import { expect, it } from 'vitest';
import type { BenchRow } from '../../../../scripts/bench/weights/row.ts';
import { benchText } from '../../../../scripts/bench/weights/table.ts';

it('shows medians, ends, memory and values off, and each verdict', () => {
  const rows: BenchRow[] = [
    { case: 'recycle', tool: 'regraft', wallSeconds: [1.5, 1.25, 2], peakBytes: 103e6, valuesOff: 0 },
    { case: 'mergekit', tool: 'mergekit', wallSeconds: [15], peakBytes: 4.15e9, valuesOff: 24_200_000 },
    { case: 'plan-70b', tool: 'regraft', wallSeconds: [0.0421], peakBytes: 95e6, valuesOff: null },
  ];
  const verdicts = [
    { reach: 'recycle: 10× as fast as mergekit', mark: 'met' as const, found: '10.0× as fast (1.50 s beside 15.00 s)' },
  ];
  expect(`\n${benchText(rows, verdicts)}`).toBe(`
┌──────────┬──────────┬──────┬─────────┬─────────────────┬─────────────┬────────────┐
│ case     │ tool     │ runs │ median  │ min–max         │ peak memory │ values off │
│ recycle  │ regraft  │ 3    │ 1.50 s  │ 1.25 s–2.00 s   │ 103 MB      │ 0          │
│ mergekit │ mergekit │ 1    │ 15.00 s │ 15.00 s–15.00 s │ 4150 MB     │ 24,200,000 │
│ plan-70b │ regraft  │ 1    │ 42.1 ms │ 42.1 ms–42.1 ms │ 95 MB       │            │
└──────────┴──────────┴──────┴─────────┴─────────────────┴─────────────┴────────────┘
┌──────────────────────────────────┬─────┬───────────────────────────────────────┐
│ to reach                         │     │ found                                 │
│ recycle: 10× as fast as mergekit │ met │ 10.0× as fast (1.50 s beside 15.00 s) │
└──────────────────────────────────┴─────┴───────────────────────────────────────┘`);
});
