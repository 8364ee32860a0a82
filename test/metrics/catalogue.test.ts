import { describe, expect, it } from 'vitest';
import { armSchema } from '../../contracts/lineage-spec.schema.ts';
import { RUN_STAGES } from '../../contracts/run.ts';
import { CATALOGUE } from '../../metrics/catalogue.ts';
import type { MetricDefinition, MetricUnit } from '../../metrics/catalogue.ts';
import { LABELS } from '../../metrics/labels.ts';

const METRICS: readonly MetricDefinition[] = Object.values(CATALOGUE);

/** Words of which a metric's name must have one, so that the name alone tells what the number counts in. */
const WORDS: Readonly<Record<MetricUnit, readonly string[]>> = {
  nats: ['nats'],
  steps: ['step', 'steps'],
  seconds: ['seconds'],
  tokens: ['tokens'],
  score: ['score'],
  ratio: ['ratio'],
  rate: ['rate'],
  norm: ['norm'],
  cosine: ['cosine'],
  flag: ['stage', 'paused', 'ok', 'state'],
  starts: ['starts'],
  ends: ['ends'],
  resumes: ['continuity'],
  writes: ['writes'],
  bytes: ['bytes'],
  runs: ['runs'],
  releases: ['releases'],
  publications: ['publications'],
  rollbacks: ['rollbacks'],
  decisions: ['decisions'],
};

describe('the catalogue of metrics', () => {
  it('has 34 metrics, each under a name of its own that starts with regraft_', () => {
    const names = METRICS.map(({ name }) => name);
    expect(new Set(names).size).toBe(34);
    expect(names.filter((name) => !/^regraft(_[a-z]+)+$/.test(name))).toEqual([]);
  });

  it('ends counters in _total, and nothing else', () => {
    const wrong = METRICS.filter(({ name, kind }) => name.endsWith('_total') !== (kind === 'counter'));
    expect(wrong).toEqual([]);
  });

  it('says the unit in the name', () => {
    const wrong = METRICS.filter(({ name, unit }) => !name.split('_').some((word) => WORDS[unit].includes(word)));
    expect(wrong).toEqual([]);
  });

  it('ends a name in its unit where the unit is one of physics or information', () => {
    const measured = METRICS.filter(({ unit }) => unit === 'nats' || unit === 'seconds');
    expect(measured).toHaveLength(6);
    expect(measured.filter(({ name, unit }) => !name.endsWith(`_${unit}`))).toEqual([]);
  });

  it('explains every metric in one line without a full stop', () => {
    expect(METRICS.filter(({ help }) => !/^[A-Z0-9][^\n]{9,}[^.\n]$/.test(help))).toEqual([]);
  });

  it('never labels by what grows without bound: a step, a run or an attempt', () => {
    const used = new Set(METRICS.flatMap(({ labels }) => labels));
    expect([...used].sort()).toEqual(Object.keys(LABELS).sort());
    expect(Object.keys(LABELS).filter((label) => /step|run|attempt|checkpoint|digest|id$/.test(label))).toEqual([]);
  });

  it('knows the same arms and stages as the contracts', () => {
    expect(LABELS.arm).toEqual(armSchema.options);
    expect(LABELS.stage).toEqual(RUN_STAGES);
  });

  it('has buckets for stages from a tenth of a second to a day, ascending', () => {
    const { buckets } = CATALOGUE.runStageSeconds;
    expect([buckets[0], buckets.at(-1)]).toEqual([0.1, 86_400]);
    expect([...buckets].sort((a, b) => a - b)).toEqual(buckets);
  });
});
