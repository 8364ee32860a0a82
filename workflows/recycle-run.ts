import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  setHandler,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { StartChoice } from '../contracts/choice.schema.ts';
import type { ConnectivitySummary } from '../contracts/connectivity.schema.ts';
import type { GateDecision } from '../contracts/gate.schema.ts';
import type { RunInput, RunKey, RunPoint, RunResult, RunStage } from '../contracts/run.ts';
import type { EvaluatedStep, Publication, TrainingOutcome } from '../contracts/run-record.schema.ts';
import { keepBest } from '../policy/keep-best.ts';
import { nextRunStage } from '../policy/next-run-stage.ts';
import { cpu, io } from './activities.ts';
import { stageSignal } from './lineage.messages.ts';
import { checkpointSignal, holdSignal, siblingSignal } from './recycle-run.messages.ts';
import { AutoStart } from './run/auto-start.ts';
import { earlier } from './run/earlier.ts';
import { Evaluations } from './run/evaluations.ts';
import { gateReferences } from './run/gate-references.ts';
import { PlainBeside } from './run/plain-beside.ts';
import { Training } from './run/training.ts';

/**
 * One arm of one lineage at one release, from inspection to record. Asks the policy for the next stage, runs it, keeps
 * the result. Cancelled or held in training it leaves a checkpoint; the next attempt goes on from there.
 */
export async function recycleRun(input: RunInput): Promise<RunResult> {
  return new Run(input).finish();
}

class Run {
  readonly #input: RunInput;
  readonly #key: RunKey;
  readonly #startedAt = new Date().toISOString();
  readonly #done: RunStage[] = [];
  readonly #evaluations: Evaluations;
  readonly #training: Training;
  readonly #plain: PlainBeside;
  /** Null with every strategy but `auto`, and where there is no Δ to decide about. */
  readonly #auto: AutoStart | null;
  #startModel: string;
  #connectivity: ConnectivitySummary | null = null;
  #choice: StartChoice | null = null;
  #delta: { readonly deltaDigest: string; readonly norm: number } | null = null;
  #gate: GateDecision | null = null;
  #publications: readonly Publication[] = [];
  #recordDigest = '';

  constructor(input: RunInput) {
    const { lineage, release, arm, spec, source, paused } = input;
    const key = { lineage, release: release.name, arm };
    this.#input = input;
    this.#key = key;
    this.#startModel = release.digest;
    this.#evaluations = new Evaluations(key, spec.evaluate);
    this.#plain = new PlainBeside(input);
    this.#auto = arm === 'auto' && source !== null ? new AutoStart(input, key, source, this.#evaluations) : null;
    this.#training = new Training({
      ...{ key, spec, evaluations: this.#evaluations, held: paused },
      target: () => this.#plain.target(),
    });
    setHandler(checkpointSignal, ({ step, modelDigest }) => {
      this.#training.announce(step, modelDigest);
    });
    setHandler(holdSignal, ({ held }) => {
      this.#training.hold(held);
    });
    setHandler(siblingSignal, (end) => {
      this.#plain.note(end);
      this.#training.look();
    });
  }

  async finish(): Promise<RunResult> {
    for (let stage = this.#next(); stage !== null; stage = this.#next()) {
      await this.#pass(stage);
      this.#done.push(stage);
    }
    return this.#result();
  }

  /** From going live to its record a run is neither held nor cancelled: its lineage has to know what is live. */
  async #pass(stage: RunStage): Promise<void> {
    const isLive = this.#done.includes('publish');
    if (!isLive) await condition(() => !this.#training.held);
    await new CancellationScope({ cancellable: stage !== 'publish' && !isLive }).run(async () => {
      await this.#enter(stage);
      await this.#stages[stage]();
    });
  }

  #next(): RunStage | null {
    const { production, source, spec } = this.#input;
    return nextRunStage({
      production,
      hasSource: source !== null,
      probes: spec.probe !== undefined,
      decides: this.#auto !== null,
      choice: this.#choice?.kind ?? null,
      done: this.#done,
      gate: this.#gate?.decision ?? null,
    });
  }

  async #enter(stage: RunStage): Promise<void> {
    setCurrentDetails(`**${this.#key.arm}** at **${this.#key.release}**: ${stage}`);
    const parent = workflowInfo().parent;
    if (parent === undefined) return;
    const { release, arm } = this.#key;
    await getExternalWorkflowHandle(parent.workflowId).signal(stageSignal, { release, arm, stage });
  }

  readonly #stages: Readonly<Record<RunStage, () => Promise<void>>> = {
    inspect: () => this.#inspect(),
    recycle: () => this.#recycle(),
    baseline: () => this.#auto?.measure() ?? this.#evaluations.evaluate(0, this.#startModel),
    probe: () => this.#probe(),
    decide: () => this.#decide(),
    finetune: () => this.#training.run(this.#startModel),
    difference: () => this.#difference(),
    gate: async () => {
      this.#gate = await this.#judge(this.#best(), false);
    },
    publish: async () => {
      this.#publications = await this.#publish();
    },
    record: async () => {
      this.#recordDigest = await this.#record();
    },
  };

  async #inspect(): Promise<void> {
    const { release, source } = this.#input;
    if (this.#auto !== null) return this.#auto.inspect();
    await cpu.inspectRelease({ key: this.#key, release, source });
  }

  async #recycle(): Promise<void> {
    const { release, source } = this.#input;
    if (this.#auto !== null) return this.#auto.recycle();
    if (source === null) return;
    const recycled = await cpu.recycleModel({
      key: this.#key,
      target: release.digest,
      delta: source.deltaDigest,
    });
    this.#startModel = recycled.modelDigest;
  }

  /** Shows and records; never a veto. */
  async #probe(): Promise<void> {
    const { release, source, spec } = this.#input;
    const recycled = this.#auto === null ? this.#startModel : this.#auto.merged();
    if (source === null || spec.probe === undefined || recycled === null) return;
    this.#connectivity = await cpu.probeConnectivity({
      ...{ key: this.#key, target: release.digest, delta: source.deltaDigest, recycled },
      probe: spec.probe,
    });
  }

  async #decide(): Promise<void> {
    const { choice, start } = await earlier(this.#auto).decide((candidate) => this.#judge(candidate, true));
    this.#choice = choice;
    this.#startModel = start.modelDigest;
    this.#evaluations.begin(start);
  }

  async #difference(): Promise<void> {
    const tuned = this.#best().modelDigest;
    this.#delta = await cpu.differenceModel({ key: this.#key, tuned, base: this.#input.release.digest });
  }

  async #judge(candidate: EvaluatedStep, trial: boolean): Promise<GateDecision> {
    const references = await gateReferences(this.#input, this.#plain, this.#evaluations);
    const gate = this.#input.spec.gate ?? null;
    return io.judgeCandidate({ key: this.#key, candidate, references, gate, trial });
  }

  async #publish(): Promise<readonly Publication[]> {
    const { release, source, spec } = this.#input;
    return io.publishModel({
      key: this.#key,
      release,
      source,
      candidate: this.#best(),
      deltaDigest: this.#deltaDigest(),
      gate: earlier(this.#gate),
      published: this.#input.published,
      targets: spec.publish,
    });
  }

  async #record(): Promise<string> {
    const { lineage, release, arm, production, spec, source } = this.#input;
    const { recordDigest } = await io.recordRun({
      key: this.#key,
      record: {
        lineage,
        release: { name: release.name, digest: release.digest },
        arm,
        production,
        spec,
        source,
        startModelDigest: this.#startModel,
        choice: this.#choice,
        connectivity: this.#connectivity,
        training: this.#training.outcome,
        convergence: this.#training.verdict,
        evaluations: this.#evaluations.curve(),
        best: this.#best(),
        final: this.#final(),
        candidateDigest: this.#best().modelDigest,
        deltaDigest: this.#deltaDigest(),
        deltaNorm: this.#delta?.norm ?? null,
        gate: this.#gate,
        publications: [...this.#publications],
        startedAt: this.#startedAt,
        finishedAt: new Date().toISOString(),
      },
    });
    return recordDigest;
  }

  #result(): RunResult {
    const { source } = this.#input;
    const best = this.#best();
    const candidateDigest = best.modelDigest;
    const live = this.#gate?.decision === 'pass';
    const { outcome } = this.#training;
    return {
      recordDigest: this.#recordDigest,
      startModelDigest: this.#startModel,
      candidateDigest,
      deltaDigest: this.#deltaDigest(),
      best: pointOf(best),
      final: pointOf(this.#final()),
      stepsInDelta: (source?.steps ?? 0) + best.step,
      published: live ? { release: this.#key.release, candidateDigest, suites: best.suites } : null,
      gateSentence: this.#gate?.sentence ?? null,
      training: outcome === null ? null : summaryOf(outcome),
      ...(this.#delta === null && source !== null && { handsOn: source }),
      ...this.#decisions(),
    };
  }

  #decisions(): Pick<RunResult, 'choice' | 'convergence' | 'connectivity'> {
    const { verdict } = this.#training;
    return {
      ...(this.#choice !== null && { choice: this.#choice.reason }),
      ...(verdict !== null && {
        convergence: { state: verdict.state, reason: verdict.reason, stepsSaved: verdict.stepsSaved },
      }),
      ...(this.#connectivity !== null && { connectivity: this.#connectivity }),
    };
  }

  /** A run that leaves no Δ of its own hands on the one that it started from. */
  #deltaDigest(): string {
    return this.#delta?.deltaDigest ?? earlier(this.#input.source).deltaDigest;
  }

  #best(): EvaluatedStep {
    return keepBest(this.#evaluations.curve());
  }

  #final(): EvaluatedStep {
    return keepBest(this.#evaluations.curve().slice(-1));
  }
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
