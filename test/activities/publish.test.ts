import { describe, expect, it } from 'vitest';
import { createPublishActivities, type PublishInput } from '../../activities/publish.ts';
import type { Publisher } from '../../activities/ports.ts';
import { createMetrics } from '../../metrics/registry.ts';
import { AT, digestOf, makeRelease, makeScore, makeStep } from '../support/lineage-values.ts';
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
  gate: { decision: 'pass', against: null, checks: [], sentence: 'passed: nothing is published yet' },
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
  const activities = createPublishActivities({ store, publisher, clock, metrics: createMetrics() });
  const publish = (input: PublishInput = INPUT) => runActivity(activities.publishModel, input);
  return { store, given, activities, publish };
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
  it('passes without a gate, and fails by code on unlike scores', async () => {
    const { activities } = setUp();
    const input = { key: INPUT.key, candidate, published: LIVE, gate: null };
    expect(await runActivity(activities.judgeCandidate, input)).toMatchObject({ decision: 'pass' });
    const unlike = { ...LIVE, suites: [makeScore({ harness: 'onnx/0' })] };
    const gate = { against: 'published', nonInferior: { sums: 0 } } as const;
    await expect(runActivity(activities.judgeCandidate, { ...input, published: unlike, gate })).rejects.toMatchObject({
      type: 'GATE_UNLIKE_COMPARISON',
    });
  });
});
