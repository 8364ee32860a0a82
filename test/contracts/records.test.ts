import { describe, expect, it } from 'vitest';
import { artifactManifestSchema, provenanceSchema, sha256Schema } from '../../contracts/artifact.schema.ts';
import { releaseRecordSchema, runRecordSchema } from '../../contracts/run-record.schema.ts';
import { trainingLedgerSchema, type TrainingLedger } from '../../contracts/training-ledger.schema.ts';
import {
  beginAttempt,
  commitCheckpoint,
  EMPTY_LEDGER,
  endAttempt,
  noteContinuity,
  noteRejected,
  takeOver,
} from '../../policy/training-ledger.ts';
import {
  AT,
  digestOf,
  makeAttempt,
  makeAttemptBegin,
  makeAttemptSummary,
  makeCommitted,
  makeDecision,
  makeRecord,
  makeScore,
  makeStep,
} from '../support/lineage-values.ts';

const manifest = {
  schema: 'regraft.artifact/1',
  kind: 'model',
  digest: digestOf('model'),
  files: [{ path: 'config.json', sha256: digestOf('config'), sizeBytes: 0 }],
  sizeBytes: 0,
  provenance: { kind: 'release', name: 'M1', uri: 'file:///M1' },
  createdAt: AT,
};

const released = {
  schema: 'regraft.release/1',
  lineage: 'tiny-sums',
  release: { name: 'M2', digest: digestOf('M2') },
  arms: [
    {
      arm: 'plain',
      sharedWith: 'iterative',
      recordDigest: digestOf('record'),
      target: {
        reference: { kind: 'previous', release: 'M1', score: 0.5, steps: 50 },
        ...{ steps: null, saving: null },
      },
      stepsToTargetLoss: 0,
      stepsCarried: 0,
    },
  ],
  status: 'superseded',
  orders: [{ actor: 'ada', reason: 'wrong base', at: AT, what: 'cancel M2' }],
  concludedAt: AT,
};

const gated = {
  ...makeRecord([makeStep(0), makeStep(100)]),
  connectivity: {
    recordDigest: digestOf('connectivity'),
    barriersNats: { bases: 0, tuned: 0.5 },
    drift: { norm: 1, relativeNorm: 0.1, deltaNorm: 2, cosine: null },
  },
  gate: makeDecision({ decision: 'reject', absent: [], sentence: 'rejected' }),
  publications: [
    { target: '/out', release: 'M2', candidateDigest: digestOf('c'), previousDigest: null, publishedAt: AT },
  ],
};

const keptBack = {
  ...gated,
  gate: makeDecision(),
  approval: { decision: 'rejected', actor: 'regraft', reason: 'nobody decided within 2h', at: AT },
  withheld: 'M3 is live, which is newer than M2',
};

const level = { score: 0.9, samples: 100, standardError: 0.03 };
const skipped = {
  ...makeRecord([makeStep(0)]),
  training: null,
  deltaNorm: null,
  choice: {
    kind: 'skip',
    reason: 'the base is stronger',
    measurements: {
      base: { release: 'M2', modelDigest: digestOf('M2'), level },
      merges: [{ scale: 1, modelDigest: null, level: null, gate: null, forbidden: 'wrong base' }],
      published: null,
      oldFinetune: { release: 'M1', level },
    },
  },
};

const broken = {
  verdict: 'broken',
  comparedSteps: 3,
  tolerance: 0.01,
  firstDifference: { step: 27, before: 1, after: 2 },
} as const;
const ledger = [
  (all: TrainingLedger) => takeOver(all, 'host-1/100'),
  (all: TrainingLedger) => beginAttempt(all, makeAttemptBegin(0)),
  (all: TrainingLedger) => commitCheckpoint(all, makeCommitted(25, 1)),
  (all: TrainingLedger) => commitCheckpoint(all, { ...makeCommitted(50, 1), state: null }),
  (all: TrainingLedger) => endAttempt(all, { code: 'TRAINER_KILLED', lastStep: 60, at: AT }),
  (all: TrainingLedger) => beginAttempt(takeOver(all, 'host-2/200'), makeAttemptBegin(25)),
  (all: TrainingLedger) => noteRejected(all, [{ step: 50, why: 'optimizer.pt is missing' }]),
  (all: TrainingLedger) => noteContinuity(all, broken),
].reduce((all, change) => change(all), EMPTY_LEDGER);

/** What a store does to a value. */
const stored = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('records and manifests', () => {
  it.each([
    ['an artifact manifest', artifactManifestSchema, manifest],
    ['a run record', runRecordSchema, gated],
    ['a run record without gate and source', runRecordSchema, { ...makeRecord([makeStep(0)]), source: null }],
    ['a run record of a release that was skipped', runRecordSchema, skipped],
    ['a release record', releaseRecordSchema, released],
    ['a release record of one that nothing came of', releaseRecordSchema, { ...released, arms: [], status: 'skipped' }],
    ['a run record of a candidate that a person kept back', runRecordSchema, keptBack],
    ['a run record of a release that was superseded', runRecordSchema, { ...gated, gate: null, superseded: true }],
    ['a training’s ledger', trainingLedgerSchema, ledger],
    ['a training’s ledger that nobody has taken yet', trainingLedgerSchema, EMPTY_LEDGER],
  ])('read back %s as it was written', (_what, schema, value) => {
    expect(schema.parse(stored(value))).toEqual(value);
  });

  it.each([
    ['release', { kind: 'release', name: 'M1', uri: 'file:///M1' }],
    ['recycled', { kind: 'recycled', target: digestOf('t'), delta: digestOf('d'), scale: 1 }],
    ['checkpoint', { kind: 'checkpoint', run: 'a/M1/plain', start: digestOf('s'), step: 25 }],
    ['difference', { kind: 'difference', tuned: digestOf('t'), base: digestOf('b') }],
  ])('read back the provenance of a %s', (_kind, value) => {
    expect(provenanceSchema.parse(stored(value))).toEqual(value);
  });

  it.each([
    ['an artifact without files', artifactManifestSchema, { ...manifest, files: [] }, 'files'],
    ['an artifact of another schema', artifactManifestSchema, { ...manifest, schema: 'regraft.artifact/2' }, 'schema'],
    ['an artifact of another kind', artifactManifestSchema, { ...manifest, kind: 'dataset' }, 'kind'],
    ['a digest that is none', artifactManifestSchema, { ...manifest, digest: 'abc' }, 'digest'],
    ['a date that is none', artifactManifestSchema, { ...manifest, createdAt: 'yesterday' }, 'createdAt'],
    ['a run without evaluations', runRecordSchema, { ...gated, evaluations: [] }, 'evaluations'],
    [
      'a score without an error',
      runRecordSchema,
      { ...gated, best: { ...gated.best, suites: [{ ...makeScore(), standardError: null }] } },
      'best.suites.0.standardError',
    ],
    ['a negative step', runRecordSchema, { ...gated, final: { ...gated.final, step: -1 } }, 'final.step'],
    [
      'an attempt without a number',
      runRecordSchema,
      { ...gated, training: { ...gated.training, attempts: [makeAttemptSummary({ attempt: 0 })] } },
      'training.attempts.0.attempt',
    ],
    [
      'a negative number of lost steps',
      runRecordSchema,
      { ...gated, training: { ...gated.training, stepsLost: -1 } },
      'training.stepsLost',
    ],
    [
      'a continuity that is none',
      runRecordSchema,
      { ...gated, training: { ...gated.training, continuity: 'probably' } },
      'training.continuity',
    ],
    [
      'an approval without a person',
      runRecordSchema,
      { ...keptBack, approval: { ...keptBack.approval, actor: null } },
      'approval.actor',
    ],
    ['a release that is not at its end', releaseRecordSchema, { ...released, status: 'running' }, 'status'],
    [
      'an order without a reason',
      releaseRecordSchema,
      { ...released, orders: [{ ...released.orders[0], reason: null }] },
      'orders.0.reason',
    ],
    ['a ledger without a token', trainingLedgerSchema, { ...ledger, token: undefined }, 'token'],
    [
      'an attempt in a ledger that no supervisor began',
      trainingLedgerSchema,
      { ...ledger, attempts: [{ ...makeAttempt(), token: 0 }] },
      'attempts.0.token',
    ],
    [
      'a committed checkpoint without a model',
      trainingLedgerSchema,
      { ...ledger, checkpoints: [{ ...makeCommitted(25, 1), modelDigest: null }] },
      'checkpoints.0.modelDigest',
    ],
    [
      'an arm that is none',
      releaseRecordSchema,
      { ...released, arms: [{ ...released.arms[0], arm: 'x' }] },
      'arms.0.arm',
    ],
  ])('refuse %s at its path', (_claim, schema, value, path) => {
    const { error } = schema.safeParse(value);
    expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  });

  it('read records of before approval, superseding and orders were kept', () => {
    const { approval: _, withheld: __, superseded: ___, ...run } = gated;
    const training = { ...run.training, trainedSeconds: undefined };
    expect(runRecordSchema.parse(stored({ ...run, training }))).toMatchObject({
      ...{ approval: null, withheld: null, superseded: false },
      training: { trainedSeconds: 0 },
    });
    const { status: ____, orders: _____, ...release } = released;
    const old = releaseRecordSchema.parse(stored(release));
    expect([old.status, old.orders]).toEqual([undefined, []]);
  });

  it('refuse keys they do not know', () => {
    expect(artifactManifestSchema.safeParse({ ...manifest, note: '' }).success).toBe(false);
    expect(runRecordSchema.safeParse({ ...gated, note: '' }).success).toBe(false);
    expect(releaseRecordSchema.safeParse({ ...released, note: '' }).success).toBe(false);
    expect(trainingLedgerSchema.safeParse({ ...ledger, note: '' }).success).toBe(false);
  });

  it.each(['A'.repeat(64), 'a'.repeat(63), 'a'.repeat(65), `${'a'.repeat(64)}\n`, '../x'])(
    'refuse the digest %j',
    (text) => {
      expect(sha256Schema.safeParse(text).success).toBe(false);
    },
  );
});
