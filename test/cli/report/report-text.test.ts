import { describe, expect, it } from 'vitest';
import { buildReport } from '../../../cli/report/build-report.ts';
import { reportText } from '../../../cli/report/report-text.ts';
import { makeArm, makeRelease } from '../../support/lineage-values.ts';
import { concludedEntry, makeState, recordedRelease } from '../../support/report-values.ts';

const recorded = recordedRelease();
const report = buildReport(makeState([recorded.entry]), [recorded]);

/** The cells of the table's row that begins with these. */
function rowOf(text: string, release: string, arm: string): readonly string[] {
  const cells = text.split('\n').map((line) => line.split('│').map((cell) => cell.trim()));
  const found = cells.find((row) => row[1] === release && row[2]?.startsWith(arm) === true);
  return found?.slice(1, -1) ?? [];
}

describe('reportText', () => {
  const text = reportText(report);

  it('shows each arm’s source, scores, steps to target, saving and carried steps in one row', () => {
    expect(rowOf(text, 'M2', 'iterative')).toEqual([
      ...['M2', 'iterative *', 'Δ of M1', '0.400', '0.900 @50', '0.800', '50 (to 0.700)', '50 %', '100'],
    ]);
    expect(rowOf(text, 'M2', 'direct')[1]).toBe('direct (as iterative)');
    expect(rowOf(text, 'M2', 'plain')).toEqual([
      ...['M2', 'plain', 'the base', '0.000', '0.700 @100', '0.700', '100 (to 0.700)', '0 %', '0'],
    ]);
  });

  it('draws a curve for every training, none twice', () => {
    expect(text).toContain('M2 iterative 0.400 ▄▇▇ 0.800');
    expect(text).toContain('M2 plain     0.000 ▁▆ 0.700');
    expect(text).not.toContain('M2 direct    0');
  });

  it('says that the saving is carried-over steps, and how many', () => {
    expect(text).toContain('fine-tuning steps carried over from earlier releases (up to 100 of them');
  });

  it('says so when nothing was carried, reached, published or compared', () => {
    const alone = report.arms.slice(2).map((arm) => ({ ...arm, target: null }));
    const reference = { kind: 'previous', release: 'M2', score: 0.9, steps: 50 } as const;
    const target = { reference, steps: null, saving: null };
    const other = report.arms.slice(2).map((arm) => ({ ...arm, release: 'M3', target }));
    const bare = reportText({ ...report, arms: [...alone, ...other], published: [] });
    expect(bare).toContain('No arm started from an earlier Δ yet');
    expect(bare).toContain('Published: nothing.');
    expect(rowOf(bare, 'M2', 'plain').slice(6, 8)).toEqual(['no target', '–']);
    expect(rowOf(bare, 'M3', 'plain').slice(6, 8)).toEqual(['not reached of M2', '–']);
  });

  it('names what failed and why', () => {
    const failure = { code: 'TRAINER_DIVERGED', message: 'Training stopped.' };
    const entry = concludedEntry({ status: 'failed', arms: [makeArm({ status: 'failed', failure })] });
    const failed = buildReport(makeState([entry]), [{ entry, record: null, runs: new Map() }]);
    expect(reportText(failed)).toContain('M2 iterative: Training stopped. [TRAINER_DIVERGED]');
  });

  it('names what was not worked to its end, and why it was passed over', () => {
    const skipped = concludedEntry({
      release: makeRelease(3),
      status: 'skipped',
      arms: [],
      note: 'passed over for M5',
    });
    const superseded = concludedEntry({ release: makeRelease(4), status: 'superseded', arms: [] });
    const entries = [skipped, superseded].map((entry) => ({ entry, record: null, runs: new Map() }));
    const text = reportText(buildReport(makeState([skipped, superseded]), entries));
    expect(text).toContain(
      'Not worked to the end:\n  M3: skipped, passed over for M5\n  M4: superseded by a newer release\n',
    );
  });

  it('says that there is nothing to report before the first release is concluded', () => {
    expect(reportText(buildReport(makeState([]), []))).toBe('tiny-sums: no release is concluded yet.');
  });
});
