import type { StartChoice } from '../contracts/choice.schema.ts';
import type { ConnectivitySummary } from '../contracts/connectivity.schema.ts';
import type { CurveVerdict } from '../contracts/curve.schema.ts';
import type { ApprovalDecision, GateDecision } from '../contracts/gate.schema.ts';
import type { RunInput, RunPoint, RunResult, Spent } from '../contracts/run.ts';
import type { EvaluatedStep, Publication, RunRecord, TrainingOutcome } from '../contracts/run-record.schema.ts';
import { keepBest } from './keep-best.ts';

/** What a run has come to by its end. */
export interface RunFacts {
  readonly startedAt: string;
  readonly startModelDigest: string;
  readonly choice: StartChoice | null;
  readonly connectivity: ConnectivitySummary | null;
  /** Null: nothing was trained. */
  readonly training: TrainingOutcome | null;
  readonly verdict: CurveVerdict | null;
  readonly spent: Spent | null;
  /** Ascending by step; the first is step 0. */
  readonly evaluations: readonly EvaluatedStep[];
  /** Null: it leaves no Δ of its own, and hands on the one that it started from. */
  readonly delta: { readonly deltaDigest: string; readonly norm: number } | null;
  readonly gate: GateDecision | null;
  readonly approval: ApprovalDecision | null;
  /** A newer release made its training end early. */
  readonly cutShort: boolean;
  readonly isLive: boolean;
  readonly publications: readonly Publication[];
}

/** Everything there is to say about a run; the activity that keeps it adds the rest. */
export function recordOf(
  input: RunInput,
  facts: RunFacts,
  finishedAt: string,
): Omit<RunRecord, 'schema' | 'regraftVersion'> {
  const { lineage, release, arm, production, spec, source } = input;
  const best = keepBest(facts.evaluations);
  return {
    ...{ lineage, release: { name: release.name, digest: release.digest }, arm, production, spec, source },
    startModelDigest: facts.startModelDigest,
    choice: facts.choice,
    connectivity: facts.connectivity,
    training: facts.training,
    convergence: facts.verdict,
    evaluations: [...facts.evaluations],
    best,
    final: finalOf(facts),
    candidateDigest: best.modelDigest,
    deltaDigest: deltaDigestOf(input, facts),
    deltaNorm: facts.delta?.norm ?? null,
    gate: facts.gate,
    approval: facts.approval,
    withheld: withheldOf(input, facts),
    superseded: isSuperseded(facts),
    publications: [...facts.publications],
    startedAt: facts.startedAt,
    finishedAt,
  };
}

/** What its lineage keeps of it. */
export function resultOf(
  input: Pick<RunInput, 'release' | 'source' | 'withheld'>,
  facts: RunFacts,
  recordDigest: string,
): RunResult {
  const { release, source } = input;
  const best = keepBest(facts.evaluations);
  const candidateDigest = best.modelDigest;
  return {
    recordDigest,
    startModelDigest: facts.startModelDigest,
    candidateDigest,
    deltaDigest: deltaDigestOf(input, facts),
    best: pointOf(best),
    final: pointOf(finalOf(facts)),
    stepsInDelta: (source?.steps ?? 0) + best.step,
    published: facts.isLive ? { release: release.name, candidateDigest, suites: best.suites } : null,
    gateSentence: facts.gate?.sentence ?? null,
    training: facts.training === null ? null : summaryOf(facts.training),
    ...(facts.delta === null && source !== null && { handsOn: source }),
    ...decisionsOf(facts),
    ...circumstancesOf(input, facts),
  };
}

/** The run's end in a word, for Temporal's list. */
export function outcomeWord(facts: RunFacts): 'live' | 'superseded' | 'withheld' | 'rejected' | 'done' {
  if (facts.isLive) return 'live';
  if (isSuperseded(facts)) return 'superseded';
  if (facts.gate === null) return 'done';
  return facts.gate.decision === 'pass' && facts.approval?.decision !== 'rejected' ? 'withheld' : 'rejected';
}

/** The Δ of its own, else the one that it started from. */
export function deltaDigestOf({ source }: Pick<RunInput, 'source'>, { delta }: Pick<RunFacts, 'delta'>): string {
  const digest = delta?.deltaDigest ?? source?.deltaDigest;
  if (digest === undefined) throw new RangeError('a run without a source left no Δ');
  return digest;
}

function decisionsOf({
  choice,
  verdict,
  connectivity,
}: RunFacts): Pick<RunResult, 'choice' | 'convergence' | 'connectivity'> {
  return {
    ...(choice !== null && { choice: choice.reason }),
    ...(verdict !== null && {
      convergence: { state: verdict.state, reason: verdict.reason, stepsSaved: verdict.stepsSaved },
    }),
    ...(connectivity !== null && { connectivity }),
  };
}

function circumstancesOf(
  input: Pick<RunInput, 'withheld'>,
  facts: RunFacts,
): Pick<RunResult, 'superseded' | 'approval' | 'withheld' | 'deltaNorm' | 'spent'> {
  const withheld = withheldOf(input, facts);
  return {
    ...(isSuperseded(facts) && { superseded: true }),
    ...(facts.approval !== null && { approval: facts.approval }),
    ...(withheld !== null && { withheld }),
    ...(facts.delta !== null && { deltaNorm: facts.delta.norm }),
    ...(facts.spent !== null && { spent: facts.spent }),
  };
}

function isSuperseded({ cutShort, approval }: RunFacts): boolean {
  return cutShort || approval?.decision === 'superseded';
}

/** Why a candidate that passed did not go live. */
function withheldOf({ withheld }: Pick<RunInput, 'withheld'>, { gate }: RunFacts): string | null {
  return gate?.decision === 'pass' ? (withheld ?? null) : null;
}

function finalOf({ evaluations }: RunFacts): EvaluatedStep {
  return keepBest(evaluations.slice(-1));
}

/** An outcome from a worker of before these were kept lacks them. */
function summaryOf(training: Partial<TrainingOutcome>): NonNullable<RunResult['training']> {
  const { attempts, stepsLost = 0, continuity = 'nothing to compare' } = training;
  return { attempts: attempts?.length ?? 1, stepsLost, continuity };
}

function pointOf({ step, suites }: EvaluatedStep): RunPoint {
  const target = suites[0];
  return { step, score: target?.score ?? 0, lossNats: target?.lossNats ?? null };
}
