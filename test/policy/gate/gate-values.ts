import type { OutcomeUnit } from '../../../contracts/evaluation.schema.ts';
import {
  gateSchema,
  type GateDecision,
  type GateEvaluation,
  type GateReference,
  type ReferenceKind,
} from '../../../contracts/gate.schema.ts';
import { judgeGate } from '../../../policy/gate/judge-gate.ts';
import { digestOf } from '../../support/lineage-values.ts';

export interface EvaluationFields {
  readonly unit?: OutcomeUnit;
  readonly weights?: readonly number[];
  readonly suiteDigest?: string;
  readonly harnessDigest?: string;
}

/** An evaluation with these outcomes, on samples s0, s1, … */
export function makeEvaluation(outcomes: readonly number[], fields: EvaluationFields = {}): GateEvaluation {
  return {
    suiteDigest: fields.suiteDigest ?? digestOf('suite'),
    harness: { name: 'onnx', version: '2', digest: fields.harnessDigest ?? digestOf('harness') },
    unit: fields.unit ?? 'share',
    samples: outcomes.map((outcome, index) => ({
      id: `s${String(index)}`,
      outcome,
      weight: fields.weights?.[index] ?? 1,
      lossNats: null,
      answerTokens: 0,
      answer: null,
    })),
  };
}

/** Right and wrong of a candidate and a reference on as many samples: so many flips, of the rest a share right. */
export function makeTable(
  samples: number,
  flips: { readonly negative: number; readonly positive: number },
  bothRight = 0.7,
): { readonly candidate: GateEvaluation; readonly reference: GateEvaluation } {
  const { negative, positive } = flips;
  const right = Math.round(bothRight * (samples - negative - positive));
  const outcome = (index: number, whoFlips: readonly [number, number]): number => {
    if (index < negative) return whoFlips[0];
    if (index < negative + positive) return whoFlips[1];
    return index < negative + positive + right ? 1 : 0;
  };
  const of = (whoFlips: readonly [number, number]): GateEvaluation =>
    makeEvaluation(Array.from({ length: samples }, (_, index) => outcome(index, whoFlips)));
  return { candidate: of([0, 1]), reference: of([1, 0]) };
}

export function makeReference(kind: ReferenceKind, evaluations: GateReference['evaluations']): GateReference {
  return { kind, release: 'M1', modelDigest: digestOf(kind), evaluations };
}

/** A gate as a spec writes it, judged on evaluations by suite. */
export function judge(
  gate: Readonly<Record<string, unknown>> | null,
  candidate: Readonly<Record<string, GateEvaluation>>,
  ...references: readonly GateReference[]
): GateDecision {
  return judgeGate({
    spec: gate === null ? null : gateSchema.parse(gate),
    candidate: { release: 'M2', modelDigest: digestOf('candidate'), evaluations: candidate },
    references,
  });
}

/** A gate on one suite, against what is published. */
export function judgeTable(
  gate: Readonly<Record<string, unknown>>,
  samples: number,
  flips: Parameters<typeof makeTable>[1],
  bothRight = 0.7,
  suite = 'sums',
): GateDecision {
  const { candidate, reference } = makeTable(samples, flips, bothRight);
  return judge(gate, { [suite]: candidate }, makeReference('published', { [suite]: reference }));
}
