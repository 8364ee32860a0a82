import {
  ApplicationFailure,
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { StartChoice } from '../contracts/choice.schema.ts';
import type { ConnectivitySummary } from '../contracts/connectivity.schema.ts';
import type { GateDecision } from '../contracts/gate.schema.ts';
import type { PublishedModel, RunInput, RunKey, RunResult, RunStage, Spent } from '../contracts/run.ts';
import type { EvaluatedStep, Publication } from '../contracts/run-record.schema.ts';
import { keepBest } from '../policy/keep-best.ts';
import { nextRunStage } from '../policy/next-run-stage.ts';
import { deltaDigestOf, outcomeWord, recordOf, resultOf, type RunFacts } from '../policy/run-outcome.ts';
import { cpu, io } from './activities.ts';
import { spentSignal, stageSignal } from './lineage.messages.ts';
import * as messages from './recycle-run.messages.ts';
import { ApprovalDesk } from './run/approval-desk.ts';
import { AutoStart } from './run/auto-start.ts';
import { earlier } from './run/earlier.ts';
import { Evaluations } from './run/evaluations.ts';
import { gateReferences } from './run/gate-references.ts';
import { PlainBeside } from './run/plain-beside.ts';
import { Training } from './run/training.ts';
import { showInSearch } from './search-attributes.ts';

/** Until it trains, a run that is superseded leaves nothing that would be missed. */
const BEFORE_TRAINING: readonly RunStage[] = ['inspect', 'recycle', 'baseline', 'probe', 'decide', 'finetune'];

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
  readonly #desk = new ApprovalDesk();
  /** The release that this run is to end early for. */
  #supersededBy: string | null = null;
  #stage: RunStage | null = null;
  /** Of a stage that can be given up when a newer release comes. */
  #scope: CancellationScope | null = null;
  /** What the gate compares with. */
  #published: PublishedModel | null;
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
    this.#published = input.published;
    this.#evaluations = new Evaluations(key, spec.evaluate);
    this.#plain = new PlainBeside(input);
    this.#auto = arm === 'auto' && source !== null ? new AutoStart(input, key, source, this.#evaluations) : null;
    this.#training = new Training({
      ...{ key, spec, evaluations: this.#evaluations, held: paused },
      target: () => this.#plain.target(),
      onSpent: (spent) => this.#tellSpent(spent),
    });
    this.#handleMessages();
  }

  #handleMessages(): void {
    setHandler(messages.checkpointSignal, ({ step, modelDigest, trainedSeconds }) => {
      this.#training.announce(step, modelDigest, trainedSeconds);
    });
    setHandler(messages.holdSignal, ({ held }) => {
      this.#training.hold(held);
    });
    setHandler(messages.siblingSignal, (end) => {
      this.#plain.note(end);
      this.#training.look();
    });
    setHandler(messages.supersedeSignal, ({ by }) => {
      this.#supersede(by);
    });
    setHandler(messages.approvalSignal, (decision) => {
      this.#desk.decide(decision);
    });
    setHandler(messages.liveSignal, (live) => {
      this.#published = live;
      this.#judgeAgain();
    });
    setHandler(messages.superviseSignal, (finetune) => {
      this.#training.supervise(finetune);
    });
  }

  async finish(): Promise<RunResult> {
    for (let stage = this.#next(); stage !== null; stage = this.#next()) {
      await this.#pass(stage);
      this.#done.push(stage);
    }
    const facts = this.#facts();
    showInSearch({ state: outcomeWord(facts) });
    return resultOf(this.#input, facts, this.#recordDigest);
  }

  /** From going live to its record a run is neither held nor cancelled: its lineage has to know what is live. */
  async #pass(stage: RunStage): Promise<void> {
    const isLive = this.#isLive();
    if (!isLive) await condition(() => !this.#training.held);
    this.#endIfSuperseded(stage);
    this.#stage = stage;
    const scope = new CancellationScope({ cancellable: stage !== 'publish' && !isLive });
    this.#scope = BEFORE_TRAINING.includes(stage) && stage !== 'finetune' ? scope : null;
    try {
      await scope.run(async () => {
        await this.#enter(stage);
        await this.#stages[stage]();
      });
    } catch (error) {
      if (isCancellation(error) && this.#scope !== null) this.#endIfSuperseded(stage);
      throw error;
    }
  }

  /** For one that waits to go live. What a person has decided by then stands. */
  #judgeAgain(): void {
    const waits = this.#gate?.decision === 'pass' && (this.#stage === 'gate' || this.#stage === 'approval');
    const judged = this.#done.indexOf('gate');
    if (waits && judged >= 0) this.#done.splice(judged, 1);
  }

  #isLive(): boolean {
    return this.#done.includes('publish');
  }

  /** Before it trains it ends at once, a training ends at a checkpoint, a candidate does not wait for a person any longer. */
  #supersede(by: string): void {
    if (this.#supersededBy !== null) return;
    this.#supersededBy = by;
    this.#training.supersede();
    if (this.#stage === 'approval') this.#leaveDesk(by);
    this.#scope?.cancel();
  }

  #leaveDesk(by: string): void {
    const at = new Date().toISOString();
    this.#desk.decide({ decision: 'superseded', actor: 'regraft', reason: `${by} has come`, at });
  }

  #endIfSuperseded(stage: RunStage): void {
    if (this.#supersededBy === null || !BEFORE_TRAINING.includes(stage)) return;
    const { release, arm } = this.#key;
    const message = `The ${arm} arm at ${release} ended before it trained anything: ${this.#supersededBy} has come.`;
    throw ApplicationFailure.nonRetryable(message, 'RUN_SUPERSEDED');
  }

  #next(): RunStage | null {
    const { arm, production, source, spec, withheld } = this.#input;
    return nextRunStage({
      production,
      hasSource: source !== null,
      probes: spec.probe !== undefined,
      decides: this.#auto !== null,
      choice: this.#choice?.kind ?? null,
      done: this.#done,
      gate: this.#gate?.decision ?? null,
      transferOnly: arm === 'transfer-only',
      asks: spec.gate?.approval !== undefined,
      approval: this.#desk.decision?.decision ?? null,
      withheld: withheld !== undefined,
      superseded: this.#training.superseded,
    });
  }

  async #enter(stage: RunStage): Promise<void> {
    setCurrentDetails(`**${this.#key.arm}** at **${this.#key.release}**: ${stage}`);
    const parent = workflowInfo().parent;
    if (parent === undefined) return;
    const { release, arm } = this.#key;
    await getExternalWorkflowHandle(parent.workflowId).signal(stageSignal, { release, arm, stage });
  }

  /** Where the lineage has a budget: what a run that fails has taken counts too. */
  async #tellSpent(spent: Spent): Promise<void> {
    const parent = workflowInfo().parent;
    if (parent === undefined || this.#input.spec.budget?.lineage === undefined) return;
    const { release, arm } = this.#key;
    await getExternalWorkflowHandle(parent.workflowId).signal(spentSignal, { release, arm, spent });
  }

  readonly #stages: Readonly<Record<RunStage, () => Promise<void>>> = {
    inspect: () => this.#inspect(),
    recycle: () => this.#recycle(),
    baseline: () => this.#auto?.measure() ?? this.#evaluations.evaluate(0, this.#startModel),
    probe: () => this.#probe(),
    decide: () => this.#decide(),
    finetune: () => this.#finetune(),
    difference: () => this.#difference(),
    gate: () => this.#judgeBest(),
    approval: async () => {
      if (this.#supersededBy !== null) this.#leaveDesk(this.#supersededBy);
      await this.#desk.wait(earlier(this.#input.spec.gate?.approval ?? null));
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

  async #finetune(): Promise<void> {
    await this.#training.run(this.#startModel);
    // Superseded before anything was saved.
    if (this.#training.superseded && this.#training.outcome === null) this.#endIfSuperseded('finetune');
  }

  async #difference(): Promise<void> {
    const tuned = this.#best().modelDigest;
    this.#delta = await cpu.differenceModel({ key: this.#key, tuned, base: this.#input.release.digest });
  }

  async #judgeBest(): Promise<void> {
    let against: PublishedModel | null;
    do {
      against = this.#published;
      this.#gate = await this.#judge(this.#best(), false);
    } while (against !== this.#published);
  }

  async #judge(candidate: EvaluatedStep, trial: boolean): Promise<GateDecision> {
    const references = await gateReferences(
      { ...this.#input, published: this.#published },
      this.#plain,
      this.#evaluations,
    );
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
      deltaDigest: deltaDigestOf(this.#input, { delta: this.#delta }),
      gate: earlier(this.#gate),
      published: this.#published,
      targets: spec.publish,
    });
  }

  async #record(): Promise<string> {
    const record = recordOf(this.#input, this.#facts(), new Date().toISOString());
    return (await io.recordRun({ key: this.#key, record })).recordDigest;
  }

  #facts(): RunFacts {
    const { outcome, verdict, spent, superseded } = this.#training;
    return {
      ...{ startedAt: this.#startedAt, startModelDigest: this.#startModel, choice: this.#choice },
      ...{ connectivity: this.#connectivity, training: outcome, verdict, spent, cutShort: superseded },
      ...{ evaluations: this.#evaluations.curve(), delta: this.#delta, gate: this.#gate },
      ...{ approval: this.#desk.decision, isLive: this.#isLive(), publications: this.#publications },
    };
  }

  #best(): EvaluatedStep {
    return keepBest(this.#evaluations.curve());
  }
}
