import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
  setCurrentDetails,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { RunInput, RunKey, RunResult, RunStage } from '../contracts/run.ts';
import type {
  EvaluatedStep,
  GateDecision,
  Publication,
  SuiteScore,
  TrainingOutcome,
} from '../contracts/run-record.schema.ts';
import { keepBest } from '../policy/keep-best.ts';
import { nextRunStage } from '../policy/next-run-stage.ts';
import { cpu, evaluation, gpu, io } from './activities.ts';
import { stageSignal } from './lineage.messages.ts';
import { checkpointSignal, holdSignal } from './recycle-run.messages.ts';

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
  readonly #evaluated = new Map<number, EvaluatedStep>();
  readonly #announced = new Map<number, string>();
  #held: boolean;
  /** The running training's scope; null while none runs, and once a hold has cancelled it. */
  #heldScope: CancellationScope | null = null;
  #startModel: string;
  #training: TrainingOutcome | null = null;
  #delta: { readonly deltaDigest: string; readonly norm: number } | null = null;
  #gate: GateDecision | null = null;
  #publications: readonly Publication[] = [];
  #recordDigest = '';

  constructor(input: RunInput) {
    this.#input = input;
    this.#key = { lineage: input.lineage, release: input.release.name, arm: input.arm };
    this.#held = input.paused;
    this.#startModel = input.release.digest;
    setHandler(checkpointSignal, ({ step, modelDigest }) => void this.#announced.set(step, modelDigest));
    setHandler(holdSignal, ({ held }) => {
      this.#held = held;
      if (!held) return;
      this.#heldScope?.cancel();
      this.#heldScope = null;
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
    if (!isLive) await condition(() => !this.#held);
    await new CancellationScope({ cancellable: stage !== 'publish' && !isLive }).run(async () => {
      await this.#enter(stage);
      await this.#do(stage);
    });
  }

  #next(): RunStage | null {
    const { production, source } = this.#input;
    return nextRunStage({
      production,
      hasSource: source !== null,
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

  async #do(stage: RunStage): Promise<void> {
    const { release, source, spec } = this.#input;
    const key = this.#key;
    switch (stage) {
      case 'inspect':
        await cpu.inspectRelease({ key, release, source });
        return;
      case 'recycle':
        if (source !== null) {
          const recycled = await cpu.recycleModel({ key, target: release.digest, delta: source.deltaDigest });
          this.#startModel = recycled.modelDigest;
        }
        return;
      case 'baseline':
        await this.#evaluate(0, this.#startModel);
        return;
      case 'finetune':
        await this.#finetune();
        return;
      case 'difference':
        this.#delta = await cpu.differenceModel({ key, tuned: this.#best().modelDigest, base: release.digest });
        return;
      case 'gate':
        this.#gate = await io.judgeCandidate({
          key,
          candidate: this.#best(),
          published: this.#input.published,
          gate: spec.gate ?? null,
        });
        return;
      case 'publish':
        this.#publications = await this.#publish();
        return;
      case 'record':
        this.#recordDigest = await this.#record();
    }
  }

  /** Trains and evaluates checkpoints as they come. When one of the two fails the other is ended, then the run fails. */
  async #finetune(): Promise<void> {
    const scope = new CancellationScope();
    const both = [scope.run(() => this.#train()), scope.run(() => this.#evaluateAsAnnounced())];
    try {
      await Promise.all(both);
    } catch (error) {
      scope.cancel();
      await Promise.allSettled(both);
      throw error;
    }
  }

  /** Held, the training saves and ends; let go, it resumes from what it saved. */
  async #train(): Promise<void> {
    const { spec } = this.#input;
    while (this.#training === null) {
      await condition(() => !this.#held);
      const scope = new CancellationScope();
      this.#heldScope = scope;
      try {
        this.#training = await scope.run(() =>
          gpu.finetuneModel({ key: this.#key, startModel: this.#startModel, finetune: spec.finetune }),
        );
      } catch (error) {
        const onlyHeld = this.#heldScope !== scope && (isCancellation(error) || isTimeout(error));
        if (!onlyHeld) throw error;
      }
      this.#heldScope = null;
    }
    for (const { step, modelDigest } of this.#training.checkpoints) this.#announced.set(step, modelDigest);
  }

  /** Ends once the training is over and everything it announced is evaluated. Held, it begins no other evaluation. */
  async #evaluateAsAnnounced(): Promise<void> {
    for (;;) {
      await condition(() => (!this.#held && this.#unevaluated() !== null) || this.#isAllEvaluated());
      const next = this.#unevaluated();
      if (next === null) return;
      await this.#evaluate(next.step, next.modelDigest);
    }
  }

  #unevaluated(): { readonly step: number; readonly modelDigest: string } | null {
    const announced = [...this.#announced].sort(([left], [right]) => left - right);
    const next = announced.find(([step, modelDigest]) => this.#evaluated.get(step)?.modelDigest !== modelDigest);
    return next === undefined ? null : { step: next[0], modelDigest: next[1] };
  }

  #isAllEvaluated(): boolean {
    const checkpoints = this.#training?.checkpoints;
    return (
      checkpoints?.every(({ step, modelDigest }) => this.#evaluated.get(step)?.modelDigest === modelDigest) ?? false
    );
  }

  async #evaluate(step: number, modelDigest: string): Promise<void> {
    const suites: SuiteScore[] = [];
    for (const suite of this.#input.spec.evaluate) {
      suites.push(await evaluation.evaluateModel({ key: this.#key, step, modelDigest, suite }));
    }
    this.#evaluated.set(step, { step, modelDigest, suites });
  }

  async #publish(): Promise<readonly Publication[]> {
    const { release, source, spec } = this.#input;
    return io.publishModel({
      key: this.#key,
      release,
      source,
      candidate: this.#best(),
      deltaDigest: earlier(this.#delta).deltaDigest,
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
        training: earlier(this.#training),
        evaluations: this.#curve(),
        best: this.#best(),
        final: this.#final(),
        candidateDigest: this.#best().modelDigest,
        deltaDigest: earlier(this.#delta).deltaDigest,
        deltaNorm: earlier(this.#delta).norm,
        gate: this.#gate,
        publications: [...this.#publications],
        startedAt: this.#startedAt,
        finishedAt: new Date().toISOString(),
      },
    });
    return recordDigest;
  }

  #result(): RunResult {
    const best = this.#best();
    const candidateDigest = best.modelDigest;
    const live = this.#gate?.decision === 'pass';
    return {
      recordDigest: this.#recordDigest,
      startModelDigest: this.#startModel,
      candidateDigest,
      deltaDigest: earlier(this.#delta).deltaDigest,
      best: pointOf(best),
      final: pointOf(this.#final()),
      stepsInDelta: (this.#input.source?.steps ?? 0) + best.step,
      published: live ? { release: this.#key.release, candidateDigest, suites: best.suites } : null,
      gateSentence: this.#gate?.sentence ?? null,
      training: summaryOf(earlier(this.#training)),
    };
  }

  #curve(): EvaluatedStep[] {
    return [...this.#evaluated.values()].sort((left, right) => left.step - right.step);
  }

  #best(): EvaluatedStep {
    return keepBest(this.#curve());
  }

  #final(): EvaluatedStep {
    return keepBest(this.#curve().slice(-1));
  }
}

/** How an activity that was told to stop ends when its worker is lost before it could say that it had. */
function isTimeout(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
}

/** What an earlier stage left; that it did is the policy's order of stages. */
function earlier<Value>(value: Value | null): Value {
  if (value !== null) return value;
  throw ApplicationFailure.nonRetryable('A stage ran before the one whose result it needs.', 'RUN_STAGE_ORDER');
}

/** An outcome from a worker of before these were kept lacks them. */
function summaryOf(training: Partial<TrainingOutcome>): NonNullable<RunResult['training']> {
  const { attempts, stepsLost = 0, continuity = 'nothing to compare' } = training;
  return { attempts: attempts?.length ?? 1, stepsLost, continuity };
}

function pointOf({ step, suites }: EvaluatedStep): RunResult['best'] {
  const target = suites[0];
  return { step, score: target?.score ?? 0, lossNats: target?.lossNats ?? 0 };
}
