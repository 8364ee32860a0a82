import { describe, expect, it } from 'vitest';
import { createPublishActivities, type PublishInput } from '../../activities/publish.ts';
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
function setUp(live: string | null = null) {
  const store = new MemoryStore();
  const manifest = { schema: 'regraft.artifact/1', kind: 'model', digest: candidate.modelDigest, files: [] } as const;
  const provenance = { kind: 'release', name: 'M2', uri: '' } as const;
  store.manifests.set(candidate.modelDigest, { ...manifest, files: [], sizeBytes: 0, provenance, createdAt: AT });
  if (live !== null) store.refs.set(REF, live);
  const given: Parameters<Publisher['publish']>[0][] = [];
  const publisher: Publisher = {
    publish: async (input) => {
      given.push(input);
      return { previousDigest: live };
    },
  };
  const clock = { now: () => new Date(AT), sleep: async () => undefined };
  const metrics = createMetrics();
  const activities = createPublishActivities({ store, publisher, clock, metrics });
  const publish = (input: PublishInput = INPUT) => runActivity(activities.publishModel, input);
  return { store, given, activities, metrics, publish };
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
