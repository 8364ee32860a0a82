import { describe, expect, it } from 'vitest';
import { createPublishActivities, type PublishInput, type RollbackInput } from '../../activities/publish.ts';
import type { Publisher } from '../../activities/ports.ts';
import { createMetrics } from '../../metrics/registry.ts';
import { gateSchema } from '../../contracts/gate.schema.ts';
import type { SuiteScore } from '../../contracts/run-record.schema.ts';
import { AT, digestOf, makeDecision, makeRecord, makeRelease, makeScore, makeStep } from '../support/lineage-values.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { runActivity } from '../support/run-activity.ts';

const candidate = makeStep(100);
const REF = 'published/tiny-sums';
const LIVE = { release: 'M1', candidateDigest: digestOf('live'), suites: [makeScore()] };
const INPUT: PublishInput = {
  key: { lineage: 'tiny-sums', release: 'M2', arm: 'iterative' },
  release: makeRelease(2),
  source: null,
  candidate,
  deltaDigest: digestOf('delta'),
  gate: makeDecision(),
  published: null,
  targets: [{ folder: '/one' }, { folder: '/two' }],
};

/** The activities over a store that has the candidate, and a publisher that notes what it is given. */
function setUp(live: string | null = null, restore: Publisher['restore'] = async () => ({ previousDigest: live })) {
  const store = new MemoryStore();
  const manifest = { schema: 'regraft.artifact/1', kind: 'model', digest: candidate.modelDigest, files: [] } as const;
  const provenance = { kind: 'release', name: 'M2', uri: '' } as const;
  store.manifests.set(candidate.modelDigest, { ...manifest, files: [], sizeBytes: 0, provenance, createdAt: AT });
  if (live !== null) store.refs.set(REF, live);
  const given: Parameters<Publisher['publish']>[0][] = [];
  const restored: Parameters<Publisher['restore']>[0][] = [];
  const publisher: Publisher = {
    publish: async (input) => {
      given.push(input);
      return { previousDigest: live };
    },
    restore: async (input) => {
      restored.push(input);
      return restore(input);
    },
  };
  const clock = { now: () => new Date(AT), sleep: async () => undefined };
  const metrics = createMetrics();
  const activities = createPublishActivities({ store, publisher, clock, metrics });
  const publish = (input: PublishInput = INPUT) => runActivity(activities.publishModel, input);
  return { store, given, restored, activities, metrics, publish };
}

describe('publishModel', () => {
  it('goes live on every target in turn, then moves the lineage’s ref', async () => {
    const { store, given, publish } = setUp();
    const publications = await publish();
    expect(given.map(({ target, modelFolder }) => [target, modelFolder])).toEqual([
      ['/one', `/store/${candidate.modelDigest}`],
      ['/two', `/store/${candidate.modelDigest}`],
    ]);
    expect(given[0]?.card).toContain('# tiny-sums on M2');
    expect(publications).toEqual(
      ['/one', '/two'].map((target) => ({
        target,
        release: 'M2',
        candidateDigest: candidate.modelDigest,
        previousDigest: null,
        publishedAt: AT,
      })),
    );
    expect(store.refs.get(REF)).toBe(candidate.modelDigest);
  });

  it('shows that nothing was rolled back yet, so that the first rollback is seen to come', async () => {
    const { metrics, publish } = setUp();
    await publish();
    expect(await metrics.exposition()).toContain('regraft_rollbacks_total{lineage="tiny-sums"} 0\n');
  });

  it('may run twice', async () => {
    const { store, publish } = setUp();
    const first = await publish();
    expect(await publish()).toEqual(first);
    expect(store.refs.get(REF)).toBe(candidate.modelDigest);
  });

  it('replaces the model that it was judged against', async () => {
    const { store, publish } = setUp(LIVE.candidateDigest);
    await publish({ ...INPUT, published: LIVE });
    expect(store.refs.get(REF)).toBe(candidate.modelDigest);
  });

  it('touches no target when something else is live than it was judged against', async () => {
    const { store, given, publish } = setUp(digestOf('somebody else’s'));
    await expect(publish({ ...INPUT, published: LIVE })).rejects.toMatchObject({
      type: 'PUBLISH_CONFLICT',
      nonRetryable: true,
    });
    expect(given).toEqual([]);
    expect(store.refs.get(REF)).toBe(digestOf('somebody else’s'));
  });
});

describe('rollBack', () => {
  const [newer, older] = [digestOf('newer'), candidate.modelDigest];
  const ROLLBACK: RollbackInput = {
    lineage: 'tiny-sums',
    from: { release: 'M2', candidateDigest: newer, suites: [] },
    to: { release: 'M1', candidateDigest: older, suites: [] },
    targets: [{ folder: '/one' }, { folder: '/two' }],
    actor: 'ada',
    reason: 'complaints since Monday',
    at: AT,
  };
  const back = (activities: ReturnType<typeof setUp>['activities'], input: RollbackInput = ROLLBACK) =>
    runActivity(activities.rollBack, input);

  it('restores every target in turn, then the lineage’s ref, and keeps who asked and why', async () => {
    const { store, given, restored, activities } = setUp(newer);
    const { recordDigest } = await back(activities);
    expect(restored.map(({ target, modelFolder, manifest }) => [target, modelFolder, manifest.digest])).toEqual([
      ['/one', `/store/${older}`, older],
      ['/two', `/store/${older}`, older],
    ]);
    expect([given, store.refs.get(REF)]).toEqual([[], older]);
    expect(store.records.get(recordDigest)).toEqual({
      schema: 'regraft.rollback/1',
      ...{ lineage: 'tiny-sums', actor: 'ada', reason: 'complaints since Monday' },
      ...{ from: newer, to: older, release: 'M1', at: AT, before: null },
    });
    expect(store.refs.get('rollbacks/tiny-sums')).toBe(recordDigest);
  });

  it('may run twice', async () => {
    const { store, restored, activities, metrics } = setUp(newer);
    const first = await back(activities);
    expect(await back(activities)).toEqual(first);
    expect([store.refs.get(REF), restored.length]).toEqual([older, 4]);
    expect([...store.records.values()]).toHaveLength(1);
    expect(await metrics.exposition()).toContain('regraft_rollbacks_total{lineage="tiny-sums"} 1\n');
  });

  it('keeps its record before all earlier ones', async () => {
    const { store, activities, metrics } = setUp(newer);
    const first = await back(activities);
    store.refs.set(REF, newer);
    const second = await back(activities, { ...ROLLBACK, at: '2026-06-01T10:00:00.000Z' });
    expect(store.records.get(second.recordDigest)).toMatchObject({ before: first.recordDigest });
    expect(store.refs.get('rollbacks/tiny-sums')).toBe(second.recordDigest);
    expect(await metrics.exposition()).toContain('regraft_rollbacks_total{lineage="tiny-sums"} 2\n');
  });

  it.each([
    ['something else', digestOf('somebody else’s')],
    ['nothing', null],
  ])('touches no target when %s is live by then', async (_what, live) => {
    const { store, restored, activities } = setUp(live);
    await expect(back(activities)).rejects.toMatchObject({ type: 'ROLLBACK_CONFLICT', nonRetryable: true });
    expect([restored, store.refs.get(REF) ?? null, store.records.size]).toEqual([[], live, 0]);
  });

  it('leaves the ref where it is when a target cannot be restored', async () => {
    const { store, activities, metrics } = setUp(newer, () => Promise.reject(new Error('the disk is full')));
    await expect(back(activities)).rejects.toThrow('the disk is full');
    expect([store.refs.get(REF), store.records.size]).toEqual([newer, 0]);
    expect(await metrics.exposition()).not.toContain('regraft_rollbacks_total{');
  });

  it('says what happened when something went live while it restored', async () => {
    const { store, activities } = setUp(newer, async () => {
      store.refs.set(REF, digestOf('a third'));
      return { previousDigest: null };
    });
    await expect(back(activities)).rejects.toMatchObject({
      type: 'ROLLBACK_CONFLICT',
      message: expect.stringContaining('M2 was to be rolled back to M1, but') as string,
    });
    expect(store.refs.get(REF)).toBe(digestOf('a third'));
  });

  it('needs no target: a lineage that publishes nowhere has a ref all the same', async () => {
    const { store, activities } = setUp(newer);
    await back(activities, { ...ROLLBACK, targets: [] });
    expect(store.refs.get(REF)).toBe(older);
  });
});

describe('judgeCandidate', () => {
  const gate = gateSchema.parse({ against: ['published', 'plain'], nonInferior: { sums: 0.1 } });

  /** The score of a suite of 400 samples of which the first `right` are right, its results kept in the store. */
  async function keepScore(store: MemoryStore, right: number, fields: Partial<SuiteScore> = {}): Promise<SuiteScore> {
    const score = makeScore({ score: right / 400, samples: 400, ...fields });
    const samples = Array.from({ length: 400 }, (_, index) => ({
      ...{ id: String(index), outcome: index < right ? 1 : 0, weight: 1 },
      ...{ lossNats: null, answerTokens: 0, answer: null },
    }));
    const evaluationDigest = await store.putRecord({
      schema: 'regraft.evaluation/1',
      modelDigest: digestOf(`right ${String(right)}`),
      suiteDigest: score.suiteDigest,
      harness: { name: 'onnx', version: '1', digest: score.harnessDigest },
      ...{ unit: score.unit, samples, score: score.score, standardError: 0, lossNats: null },
    });
    return { ...score, evaluationDigest };
  }

  /** Judges a candidate with so many right against a live model and a plain arm with so many. */
  async function judge(rights: { readonly candidate: number; readonly live: number; readonly plain: number }) {
    const { store, activities } = setUp();
    const step = { ...candidate, suites: [await keepScore(store, rights.candidate)] };
    const live = { kind: 'published', release: 'M1', modelDigest: digestOf('live') } as const;
    const plain = makeRecord([{ ...makeStep(0), suites: [await keepScore(store, rights.plain)] }]);
    const references = [
      { ...live, suites: [await keepScore(store, rights.live)] },
      { kind: 'plain', recordDigest: await store.putRecord(plain) } as const,
    ];
    const input = { key: INPUT.key, candidate: step, references, gate, trial: false };
    return runActivity(activities.judgeCandidate, input);
  }

  it('judges from the samples that the scores name, the plain arm’s by its record', async () => {
    expect(await judge({ candidate: 200, live: 200, plain: 200 })).toMatchObject({
      decision: 'pass',
      references: [{ kind: 'published' }, { kind: 'plain', release: 'M2' }],
    });
    expect(await judge({ candidate: 200, live: 300, plain: 200 })).toMatchObject({ decision: 'reject' });
    expect(await judge({ candidate: 200, live: 200, plain: 300 })).toMatchObject({ decision: 'reject' });
  });

  it('passes without a gate, and fails by code on unlike scores', async () => {
    const { store, activities } = setUp();
    const mine = { ...candidate, suites: [await keepScore(store, 200)] };
    const theirs = [await keepScore(store, 200, { harnessDigest: digestOf('onnx/0') })];
    const references = [{ kind: 'published', release: 'M1', modelDigest: digestOf('live'), suites: theirs }] as const;
    const input = { key: INPUT.key, candidate: mine, references, trial: false };
    const free = await runActivity(activities.judgeCandidate, { ...input, gate: null });
    expect(free).toMatchObject({ decision: 'pass' });
    await expect(runActivity(activities.judgeCandidate, { ...input, gate })).rejects.toMatchObject({
      type: 'GATE_UNLIKE_COMPARISON',
    });
  });

  it('counts what it decides, but not what it would decide', async () => {
    const { metrics, activities } = setUp();
    const input = { key: INPUT.key, candidate, references: [], gate: null };
    await runActivity(activities.judgeCandidate, { ...input, trial: true }).catch(() => undefined);
    expect(await metrics.exposition()).not.toContain('regraft_gate_decisions_total{');
  });
});
