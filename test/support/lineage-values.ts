import { createHash } from 'node:crypto';
import { lineageSpecSchema, type LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import type { ArmState } from '../../contracts/lineage-state.ts';
import type { Release } from '../../contracts/release.ts';
import type { GateDecision } from '../../contracts/gate.schema.ts';
import type { RunResult } from '../../contracts/run.ts';
import type { EvaluatedStep, RunRecord, SuiteScore, TrainingOutcome } from '../../contracts/run-record.schema.ts';
import { attemptSchema, type Attempt, type CommittedCheckpoint } from '../../contracts/training-ledger.schema.ts';
import type { AttemptBegin } from '../../policy/training-ledger.ts';

/** A digest that stands for something named. */
export function digestOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

export const AT = '2026-05-01T10:00:00.000Z';

/** The least that a user has to write: everything else is a default. */
export const SMALLEST_SPEC = {
  name: 'tiny-sums',
  family: { folder: '/models/family', names: 'M{release}', order: ['release'] },
  strategy: 'iterative',
  finetune: { dataset: '/data/train.jsonl', steps: 100, learningRate: 5e-4, batchSize: 8, saveEvery: 25 },
  evaluate: [{ name: 'sums', suite: '/suites/sums' }],
} as const;

/** A parsed spec; fields given override. */
export function makeSpec(fields: Readonly<Record<string, unknown>> = {}): LineageSpec {
  return lineageSpecSchema.parse({ ...SMALLEST_SPEC, ...fields });
}

/** Release `M<number>`, pinned. */
export function makeRelease(number: number): Release {
  const name = `M${String(number)}`;
  return { name, position: [number], uri: `file:///models/family/${name}`, digest: digestOf(name), firstSeenAt: AT };
}

/** A score on one suite; fields given override. */
export function makeScore(fields: Partial<SuiteScore> = {}): SuiteScore {
  return {
    suite: 'sums',
    score: 0.5,
    unit: 'share',
    standardError: 0.01,
    lossNats: 1,
    samples: 10,
    suiteDigest: digestOf('suite'),
    harness: 'onnx/1',
    harnessDigest: digestOf('onnx/1'),
    evaluationDigest: digestOf('evaluation'),
    ...fields,
  };
}

/** An evaluated step with one score a suite; the first is the target. */
export function makeStep(step: number, ...scores: readonly Partial<SuiteScore>[]): EvaluatedStep {
  const suites = (scores.length === 0 ? [{}] : scores).map(makeScore);
  return { step, modelDigest: digestOf(`model at ${String(step)}`), suites };
}

/** The result of a run that left a Δ of its own. */
export function makeResult(fields: Partial<RunResult> = {}): RunResult {
  return {
    recordDigest: digestOf('record'),
    startModelDigest: digestOf('start'),
    candidateDigest: digestOf('candidate'),
    deltaDigest: digestOf('delta'),
    best: { step: 100, score: 0.9, lossNats: 0.1 },
    final: { step: 100, score: 0.9, lossNats: 0.1 },
    stepsInDelta: 100,
    published: null,
    gateSentence: null,
    ...fields,
  };
}

/** A decision of the gate, without checks unless given. */
export function makeDecision(fields: Partial<GateDecision> = {}): GateDecision {
  return {
    decision: 'pass',
    sentence: 'passed: nothing is published yet',
    alpha: 0.05,
    references: [],
    absent: ['published'],
    checks: [],
    ...fields,
  };
}

/** An arm as planned; fields given override. */
export function makeArm(fields: Partial<ArmState> = {}): ArmState {
  return {
    arm: 'iterative',
    status: 'waiting',
    sharedWith: null,
    source: null,
    sourceReason: '',
    stage: null,
    result: null,
    failure: null,
    ...fields,
  };
}

/** An attempt as a ledger keeps it, done at its first try; fields given override. */
export function makeAttempt(fields: Partial<Attempt> = {}): Attempt {
  return attemptSchema.parse({
    ...makeAttemptSummary(),
    launch: '0123456789abcdef',
    token: 1,
    chance: 'run-1',
    launcher: { local: {} },
    furthestStep: 0,
    broughtCheckpoint: false,
    replaces: [],
    ...fields,
  });
}

/** What is known of an attempt when it begins. */
export function makeAttemptBegin(atStep: number): AttemptBegin {
  const { launch, launcher, chance, host, microBatchSize } = makeAttempt();
  return { launch, launcher, chance, host, microBatchSize, atStep, rejected: [] };
}

/** A committed checkpoint; its digests tell attempt and step, as in `curve 1 at 25`. */
export function makeCommitted(step: number, attempt: number): CommittedCheckpoint {
  const name = `${String(attempt)} at ${String(step)}`;
  return {
    step,
    attempt,
    modelDigest: digestOf(`model ${name}`),
    state: `state ${String(step)}`,
    curveDigest: digestOf(`curve ${name}`),
  };
}

/** What a run record keeps of an attempt that was done at its first try; fields given override. */
export function makeAttemptSummary(
  fields: Partial<TrainingOutcome['attempts'][number]> = {},
): TrainingOutcome['attempts'][number] {
  return {
    attempt: 1,
    host: 'host-1/100',
    atStep: 0,
    microBatchSize: 8,
    rejected: [],
    continuity: null,
    end: { code: null, lastStep: 100, at: AT },
    ...fields,
  };
}

/** A complete run record over these evaluations. */
export function makeRecord(evaluations: readonly [EvaluatedStep, ...EvaluatedStep[]]): RunRecord {
  const final = evaluations.at(-1) ?? evaluations[0];
  return {
    schema: 'regraft.run/1',
    lineage: 'tiny-sums',
    release: { name: 'M2', digest: digestOf('M2') },
    arm: 'iterative',
    production: true,
    spec: makeSpec(),
    source: { deltaDigest: digestOf('delta'), fromRelease: 'M1', fromArm: 'iterative', steps: 100 },
    startModelDigest: digestOf('start'),
    choice: null,
    connectivity: null,
    convergence: null,
    training: {
      starts: [{ how: 'started', atStep: 0 }],
      attempts: [makeAttemptSummary()],
      stepsLost: 0,
      continuity: 'nothing to compare',
      stepsDone: 100,
      trainedSeconds: 60,
      checkpoints: [{ step: 100, modelDigest: digestOf('checkpoint') }],
      curveDigest: digestOf('curve'),
      datasetDigest: digestOf('dataset'),
      jobDigest: digestOf('job'),
    },
    evaluations: [...evaluations],
    best: final,
    final,
    candidateDigest: final.modelDigest,
    deltaDigest: digestOf('new delta'),
    deltaNorm: 1.5,
    gate: null,
    approval: null,
    withheld: null,
    superseded: false,
    publications: [],
    startedAt: AT,
    finishedAt: AT,
    regraftVersion: '0.1.0',
  };
}
