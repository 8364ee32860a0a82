import { describe, expect, it } from 'vitest';
import {
  absent,
  by,
  changes,
  core,
  coreHistogram,
  divide,
  growth,
  histogram,
  labelValues,
  legendOf,
  metric,
  only,
  orZero,
  rate,
  series,
  whileAlso,
} from '../../dashboards/query.ts';

describe('a query', () => {
  it('is narrowed by the variables whose labels its metric carries', () => {
    expect(metric('trainStep').expr).toBe('regraft_train_step{lineage=~"$lineage",release=~"$release"}');
    expect(metric('publications').expr).toBe('regraft_publications_total{lineage=~"$lineage"}');
    expect(metric('coreScrapeOk').expr).toBe('regraft_core_scrape_ok');
  });

  it('groups by labels, which become its legend', () => {
    const query = by('max', metric('trainStep'), ['release', 'arm']);
    expect(query.expr).toBe('max by (release, arm) (regraft_train_step{lineage=~"$lineage",release=~"$release"})');
    expect(legendOf(query)).toBe('{{release}} {{arm}}');
  });

  it('groups by nothing into one series', () => {
    expect(by('min', metric('coreScrapeOk'), [])).toEqual({ expr: 'min (regraft_core_scrape_ok)', labels: [] });
  });

  it('names the parts of a histogram', () => {
    expect(histogram('runStageSeconds', 'count').expr).toBe('regraft_run_stage_seconds_count{lineage=~"$lineage"}');
    expect(coreHistogram('temporal_activity_schedule_to_start_latency_seconds', 'sum').expr).toBe(
      'temporal_activity_schedule_to_start_latency_seconds_sum',
    );
  });

  it('composes rates, quotients and zeros for what is missing', () => {
    const queues = by('sum', rate(core('temporal_activity_execution_failed_total')), ['task_queue']);
    const all = by('sum', core('temporal_worker_task_slots_used'), ['task_queue']);
    const failed = 'sum by (task_queue) (rate(temporal_activity_execution_failed_total[$__rate_interval]))';
    const used = 'sum by (task_queue) (temporal_worker_task_slots_used)';
    expect(divide(queues, all).expr).toBe(`${failed} / ${used}`);
    expect(orZero(queues, all).expr).toBe(`${failed} or ${used} * 0`);
  });

  it('of an alert is narrowed by values of labels and by nothing else', () => {
    expect(series('runs').expr).toBe('regraft_runs_total');
    expect(series('runs', { outcome: ['failed', 'cancelled'] }).expr).toBe(
      'regraft_runs_total{outcome=~"failed|cancelled"}',
    );
    // @ts-expect-error -- no such outcome
    series('runs', { outcome: ['lost'] });
    // @ts-expect-error -- runs are not counted by stage
    series('runs', { stage: ['gate'] });
  });

  it('tells growth, change, comparison, condition and absence', () => {
    const failed = series('runs', { outcome: ['failed'] });
    expect(growth(failed, '1h').expr).toBe(
      `((${failed.expr} unless ${failed.expr} offset 1h) or increase(${failed.expr}[1h]))`,
    );
    const still = only(changes(series('trainStep'), '1h'), '==', 0);
    expect(still.expr).toBe('changes(regraft_train_step[1h]) == 0');
    expect(whileAlso(still, series('trainStepsPlanned')).expr).toBe(
      'changes(regraft_train_step[1h]) == 0 and regraft_train_steps_planned',
    );
    expect(absent(series('coreScrapeOk'))).toEqual({ expr: 'absent(regraft_core_scrape_ok)', labels: [] });
  });

  it('refuses a metric that is not in the catalogue, by type and by exception', () => {
    // @ts-expect-error -- no such metric
    expect(() => metric('trainLoss')).toThrow(expect.objectContaining({ code: 'DASHBOARD_UNKNOWN_METRIC' }));
    // @ts-expect-error -- no such metric of Temporal Core on our list
    expect(() => core('temporal_request_total')).toThrow('temporal_request_total is not in the list of Temporal Core');
    // @ts-expect-error -- a name of JavaScript's own is no metric either
    expect(() => metric('toString')).toThrow(expect.objectContaining({ code: 'DASHBOARD_UNKNOWN_METRIC' }));
    // @ts-expect-error -- no such metric
    expect(() => labelValues('trainLoss', 'arm')).toThrow(
      expect.objectContaining({ code: 'DASHBOARD_UNKNOWN_METRIC' }),
    );
  });

  it('refuses labels that the metric does not carry, all at once, by type and by exception', () => {
    // @ts-expect-error -- releases observed are counted by lineage alone
    expect(() => by('sum', metric('releasesObserved'), ['lineage', 'arm', 'release'])).toThrow(
      expect.objectContaining({
        code: 'DASHBOARD_UNKNOWN_LABEL',
        details: expect.objectContaining({ unknown: ['arm', 'release'] }),
      }),
    );
  });
});
