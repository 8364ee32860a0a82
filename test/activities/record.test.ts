import { describe, expect, it } from 'vitest';
import { createRecordActivities, type ConcludeInput } from '../../activities/record.ts';
import { releaseRecordSchema } from '../../contracts/run-record.schema.ts';
import { createMetrics } from '../../metrics/registry.ts';
import { AT, digestOf, makeArm, makeRecord, makeRelease, makeResult, makeStep } from '../support/lineage-values.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { runActivity } from '../support/run-activity.ts';

const KEY = { lineage: 'tiny-sums', release: 'M2', arm: 'iterative' } as const;

function setUp() {
  const [store, metrics] = [new MemoryStore(), createMetrics()];
  const activities = createRecordActivities({ store, metrics, regraftVersion: '9.9.9' });
  const conclude = (arms: ConcludeInput['arms'], fields: Partial<ConcludeInput> = {}) =>
    runActivity(activities.concludeRelease, {
      lineage: 'tiny-sums',
      release: makeRelease(2),
      arms,
      observedAt: AT,
      concludedAt: '2026-05-01T10:01:30.000Z',
      ...fields,
    });
  return { store, metrics, activities, conclude };
}

describe('recordRun', () => {
  it('keeps the record with schema and version, one digest however often', async () => {
    const { store, activities } = setUp();
    const whole = makeRecord([makeStep(0), makeStep(100)]);
    const record: Partial<typeof whole> & Omit<typeof whole, 'schema' | 'regraftVersion'> = { ...whole };
    delete record.schema;
    delete record.regraftVersion;
    const first = await runActivity(activities.recordRun, { key: KEY, record });
    expect(await runActivity(activities.recordRun, { key: KEY, record })).toEqual(first);
    expect(store.records.get(first.recordDigest)).toEqual({
      ...record,
      schema: 'regraft.run/1',
      regraftVersion: '9.9.9',
    });
  });
});

describe('concludeRelease', () => {
  it('compares the arms by their records, and shows what was saved', async () => {
    const { store, metrics, conclude } = setUp();
    const records = {
      plain: makeRecord([makeStep(0, { score: 0 }), makeStep(25, { score: 0.4 }), makeStep(100, { score: 0.8 })]),
      iterative: makeRecord([makeStep(0, { score: 0.5 }), makeStep(25, { score: 0.8 }), makeStep(100, { score: 0.9 })]),
    };
    const arms = await Promise.all(
      (['iterative', 'plain'] as const).map(async (arm) => {
        const recordDigest = await store.putRecord({ ...records[arm], arm });
        return makeArm({ arm, status: 'succeeded', result: makeResult({ recordDigest }) });
      }),
    );
    const { recordDigest } = await conclude(arms);
    const record = releaseRecordSchema.parse(store.records.get(recordDigest));
    expect(record.release).toEqual({ name: 'M2', digest: digestOf('M2') });
    expect(record.arms.map(({ arm, target }) => [arm, target?.steps, target?.saving])).toEqual([
      ['iterative', 25, 0.75],
      ['plain', 100, 0],
    ]);
    const page = await metrics.exposition();
    expect(page).toMatch(/regraft_steps_to_target_ratio\{[^}]*arm="iterative"[^}]*\} 4$/m);
    expect(page).toMatch(/regraft_release_lag_seconds\{[^}]*release="M2"[^}]*\} 90$/m);
  });

  it('keeps how a release ended and what was ordered, one record however often', async () => {
    const { store, conclude } = setUp();
    const orders = [
      { actor: 'ada', reason: 'maintenance', at: AT, what: 'pause' },
      { actor: 'regraft', reason: 'passed over for M2 (backlog: latest)', at: AT, what: 'skip M1' },
    ];
    const arms = [makeArm({ status: 'superseded', result: makeResult({ superseded: true }) })];
    const first = await conclude(arms, { status: 'superseded', orders });
    expect(await conclude(arms, { status: 'superseded', orders })).toEqual(first);
    expect(releaseRecordSchema.parse(store.records.get(first.recordDigest))).toEqual({
      schema: 'regraft.release/1',
      lineage: 'tiny-sums',
      release: { name: 'M2', digest: digestOf('M2') },
      status: 'superseded',
      arms: [], // a training that ended early is compared with none
      orders,
      concludedAt: '2026-05-01T10:01:30.000Z',
    });
    expect(store.records.size).toBe(1);
  });

  it('takes the input of before status and orders were kept', async () => {
    const { store, conclude } = setUp();
    const { recordDigest } = await conclude([makeArm({ status: 'failed' })]);
    const record = releaseRecordSchema.parse(store.records.get(recordDigest));
    expect([record.status, record.orders]).toEqual([undefined, []]);
  });

  it('compares nothing when no arm succeeded, and counts how each ended', async () => {
    const { store, metrics, conclude } = setUp();
    const arms = [
      makeArm({ status: 'failed' }),
      makeArm({ arm: 'plain', status: 'cancelled' }),
      makeArm({ arm: 'direct', status: 'shared', sharedWith: 'iterative' }),
    ];
    const { recordDigest } = await conclude(arms, { status: 'failed' });
    expect(releaseRecordSchema.parse(store.records.get(recordDigest))).toMatchObject({ status: 'failed', arms: [] });
    const page = await metrics.exposition();
    expect(page).toMatch(/regraft_runs_total\{[^}]*arm="iterative"[^}]*outcome="failed"[^}]*\} 1$/m);
    expect(page).toMatch(/regraft_runs_total\{[^}]*arm="plain"[^}]*outcome="cancelled"[^}]*\} 1$/m);
    expect(page).not.toMatch(/regraft_runs_total\{[^}]*arm="direct"/);
  });
});
