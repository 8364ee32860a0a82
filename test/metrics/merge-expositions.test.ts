import { describe, expect, it } from 'vitest';
import { mergeExpositions } from '../../metrics/merge-expositions.ts';

const OURS = '# HELP regraft_runs_total Runs\n# TYPE regraft_runs_total counter\nregraft_runs_total 1\n';
const CORE = '# TYPE temporal_request_total counter\ntemporal_request_total 2\n';

describe('merging the metrics pages', () => {
  it('puts Core’s lines after ours', () => {
    expect(mergeExpositions(OURS, CORE)).toBe(OURS + CORE);
  });

  it('drops a closing # EOF of either page', () => {
    expect(mergeExpositions(`${OURS}# EOF\n`, `${CORE}# EOF`)).toBe(OURS + CORE);
  });

  it('leaves our page as it is when Core’s is empty', () => {
    expect(mergeExpositions(OURS, '')).toBe(OURS);
  });

  it('puts a line end between pages that lack one', () => {
    expect(mergeExpositions(OURS.trimEnd(), CORE.trimEnd())).toBe(OURS + CORE);
  });

  it('refuses metrics that both pages have, and names them all', () => {
    const core = `${CORE}${OURS}regraft_up 1\n`;
    expect(() => mergeExpositions(`${OURS}regraft_up 0\n`, core)).toThrow(
      expect.objectContaining({
        code: 'METRICS_DUPLICATE_FAMILY',
        retryable: false,
        details: { duplicates: ['regraft_runs_total', 'regraft_up'] },
      }),
    );
  });

  it('sees a duplicate even when one page leaves out the TYPE line', () => {
    expect(() => mergeExpositions('wait_seconds_sum 1\n', 'wait_seconds_sum{queue="io"} 2\n')).toThrow(
      'wait_seconds_sum',
    );
  });

  it('takes a histogram’s parts for one metric, not for three', () => {
    const core =
      '# TYPE wait_seconds histogram\nwait_seconds_bucket{le="+Inf"} 1\nwait_seconds_sum 1\nwait_seconds_count 1\n';
    expect(mergeExpositions(OURS, core)).toBe(OURS + core);
    expect(() => mergeExpositions(core, core)).toThrow(
      expect.objectContaining({ details: { duplicates: ['wait_seconds'] } }),
    );
  });
});
