import { describe, expect, it } from 'vitest';
import { reportText, sweepText } from '../../../cli/weights/report-text.ts';
import type { Health, HealthReport } from '../../../weights/index.ts';
import { applyReport } from './engine-reports.ts';

const EFFORT = { seconds: 2, isContinued: false };
const NORMS: Health = { norm: 1, relativeNorm: 0.0123, cosine: null, previousNorm: null, realisedError: 0.05 };
const health = (fields: Partial<Health>, moved: readonly number[] = []): HealthReport => ({
  ...{ ...NORMS, ...fields },
  tensors: moved.map((relativeNorm, index) => ({ ...NORMS, name: `w${String(index)}`, relativeNorm })),
});

describe('the report of an output', () => {
  it('says how large Δ was, what rounding took, and where everything is', () => {
    const lines = reportText('title', { report: applyReport({ health: health({}) }), out: 'out' }, EFFORT).split('\n');
    expect(lines[0]).toBe('title');
    expect(lines).toContain("‖λΔ‖ / ‖target‖: 1.23 %; of λΔ, rounding to the output's dtype took 5 %.");
    expect(lines).toContain('No tensor moved.');
    expect(lines).toContain('│ model.safetensors │ 4.0 MB │');
    expect(lines.at(-1)).toBe('Wrote 4.0 MB to out in 2.0 s, 2.0 MB/s.');
    expect(lines.join()).not.toContain('Cosine');
  });

  it('compares directions where there is an earlier Δ', () => {
    const report = applyReport({ health: health({ cosine: 0.91234 }) });
    expect(reportText('', { report, out: '' }, EFFORT)).toContain('\nCosine of Δ with the previous Δ: 0.912.\n');
  });

  it('names the five tensors that moved most, the first the most', () => {
    const report = applyReport({ health: health({}, [0.1, 0.6, 0, 0.2, 0.5, 0.3, 0.4]) });
    const table = reportText('', { report, out: '' }, EFFORT);
    expect([...table.matchAll(/│ (w\d) +│ (\S+) %/g)].map(([, name, share]) => [name, share])).toEqual([
      ...[
        ['w1', '60'],
        ['w4', '50'],
        ['w6', '40'],
        ['w5', '30'],
        ['w3', '20'],
      ],
    ]);
  });

  it('says nothing of norms that were not measured, and so where the target is zero', () => {
    expect(reportText('', { report: applyReport(), out: '' }, EFFORT)).not.toContain('‖target‖');
    const report = applyReport({ health: health({ relativeNorm: null, realisedError: null }) });
    expect(reportText('', { report, out: '' }, EFFORT)).toContain(
      '\n‖λΔ‖ / ‖target‖: not defined: the target is all zeros.\n',
    );
  });

  it('claims no speed for work that was partly done before', () => {
    const text = reportText('', { report: applyReport(), out: 'out' }, { seconds: 2, isContinued: true });
    expect(text).toMatch(/\nWrote 4\.0 MB to out in 2\.0 s, going on where an earlier run was stopped\.$/);
  });
});

describe('the report of a sweep', () => {
  it('has a line for every λ, and what is the same for all of them once', () => {
    const results = [0.5, 1].map((scale) => ({
      ...{ scale, out: `sweep/lambda-${String(scale)}` },
      report: applyReport({ health: health({ relativeNorm: scale / 10, cosine: 0.5 }) }),
    }));
    const text = sweepText('title', results, 'sweep', EFFORT);
    expect(text).toMatch(/│ 0\.5 │ 5 % +│ 5 % +│ 0\.500 +│ lambda-0\.5 │/);
    expect(text).toMatch(/│ 1 +│ 10 % +│ 5 % +│ 0\.500 +│ lambda-1 +│/);
    expect(text.match(/│ moved /g)).toHaveLength(1);
    expect(text).toMatch(/\nWrote 8\.0 MB to sweep in 2\.0 s, 4\.0 MB\/s\.$/);
  });
});
