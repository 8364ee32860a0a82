import type { LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import type { ReleaseRecord, RunRecord } from '../../contracts/run-record.schema.ts';
import type { RecordedRelease } from '../../cli/report/build-report.ts';
import type { TargetMeasurement } from '../../contracts/curve.schema.ts';
import { AT, digestOf, makeArm, makeDecision, makeRecord, makeRelease, makeSpec, makeStep } from './lineage-values.ts';

const PRODUCTION_DIGEST = digestOf('record of iterative');
const PLAIN_DIGEST = digestOf('record of plain');

/** Release M2 concluded: iterative did the work for direct, plain ran beside it. */
export function recordedRelease(): RecordedRelease & { readonly record: ReleaseRecord } {
  const candidate = makeStep(50, { score: 0.9, lossNats: 0.2 });
  const iterative: RunRecord = {
    ...makeRecord([
      makeStep(0, { score: 0.4, lossNats: 1.5 }),
      candidate,
      makeStep(100, { score: 0.8, lossNats: 0.3 }),
    ]),
    best: candidate,
    candidateDigest: candidate.modelDigest,
    gate: makeDecision(),
    publications: [
      {
        target: '/published',
        release: 'M2',
        candidateDigest: candidate.modelDigest,
        previousDigest: null,
        publishedAt: AT,
      },
    ],
  };
  const plain: RunRecord = {
    ...makeRecord([makeStep(0, { score: 0, lossNats: 4 }), makeStep(100, { score: 0.7, lossNats: 0.5 })]),
    arm: 'plain',
    production: false,
    source: null,
  };
  const target = (steps: number): TargetMeasurement => ({
    reference: { kind: 'plain', release: 'M2', score: 0.7, steps: 100 },
    steps,
    saving: 1 - steps / 100,
  });
  const recycled = { recordDigest: PRODUCTION_DIGEST, target: target(50), stepsToTargetLoss: 50, stepsCarried: 100 };
  const record: ReleaseRecord = {
    schema: 'regraft.release/1',
    lineage: 'tiny-sums',
    release: { name: 'M2', digest: digestOf('M2') },
    arms: [
      { ...recycled, arm: 'iterative', sharedWith: null },
      { ...recycled, arm: 'direct', sharedWith: 'iterative' },
      {
        arm: 'plain',
        sharedWith: null,
        recordDigest: PLAIN_DIGEST,
        target: target(100),
        stepsToTargetLoss: 50,
        stepsCarried: 0,
      },
    ],
    orders: [],
    concludedAt: AT,
  };
  const runs = new Map([
    [PRODUCTION_DIGEST, iterative],
    [PLAIN_DIGEST, plain],
  ]);
  return { entry: concludedEntry({ recordDigest: digestOf('release record') }), record, runs };
}

/** A concluded release in a lineage's state; fields given override. */
export function concludedEntry(fields: Partial<ReleaseState> = {}): ReleaseState {
  return {
    release: makeRelease(2),
    status: 'succeeded',
    arms: [makeArm({ status: 'succeeded' })],
    recordDigest: null,
    observedAt: AT,
    concludedAt: AT,
    retries: 0,
    ...fields,
  };
}

/** The state of a lineage with these releases; fields given override. */
export function makeState(releases: readonly ReleaseState[], fields: Partial<LineageState> = {}): LineageState {
  return { v: 1, spec: makeSpec(), paused: null, releases, published: null, log: [], ...fields };
}
