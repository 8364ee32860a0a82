import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { CheckpointNotice } from '../../activities/ports.ts';
import type {
  CheckpointFolder,
  FoundCheckpoints,
  ResumeStates,
  TrainerHost,
  TrainerJob,
  TrainerLaunch,
} from '../../activities/training-ports.ts';
import type { TrainDeps } from '../../activities/train.ts';
import { TrainingClaim } from '../../activities/training/claim.ts';
import { trainingLedgerSchema, type TrainingLedger } from '../../contracts/training-ledger.schema.ts';
import { trainingStepSchema, type TrainingStep } from '../../contracts/training-step.schema.ts';
import type { ExitReason, TrainerState } from '../../contracts/training.ts';
import { createMetrics, type Metrics } from '../../metrics/registry.ts';
import { AT, digestOf } from './lineage-values.ts';
import { MemoryStore } from './memory-store.ts';
import { f32Tensor, singleFile, temporaryFolder, writeModelFolder } from './safetensors.ts';

/** What happens while the supervisor sleeps once. */
export type Tick = (world: TrainingWorld) => void | Promise<void>;

interface Folder extends CheckpointFolder {
  /** What verifying it says; null: it is good. */
  readonly problem: string | null;
}

/**
 * One training folder and everything around it, in memory (checkpoints alone are real folders, for they are opened).
 * Time passes only when the supervisor sleeps: each sleep takes the next tick of the script.
 */
export class TrainingWorld implements TrainerHost {
  readonly store = new MemoryStore();
  readonly metrics: Metrics = createMetrics();
  /** What was asked of the trainer host, in order. */
  readonly calls: string[] = [];
  readonly jobs: TrainerJob[] = [];
  readonly notices: CheckpointNotice[] = [];
  readonly noticesTo: string[] = [];
  /** Full states in the store, by name, with what verifying them says. */
  readonly states = new Map<string, Folder>();
  /** Milliseconds slept. */
  sleptMs = 0;
  /** Of the newest launch. */
  trainer: TrainerState = { kind: 'absent' };
  words = 'no words';
  /** Name of the host whose folder this is. */
  holder = 'host-1/100';
  leases = 0;
  #launch = '';
  #script: Tick[] = [];
  readonly #root: string;
  #folders: Folder[] = [];
  readonly #torn = new Map<number, string>();
  #steps: TrainingStep[] = [];

  private constructor(root: string) {
    this.#root = root;
  }

  static async create(...script: readonly Tick[]): Promise<TrainingWorld> {
    const world = new TrainingWorld(await temporaryFolder());
    world.#script = [...script];
    return world;
  }

  /** What happens from now on. */
  play(...script: readonly Tick[]): void {
    this.#script = [...script];
  }

  /** Another host: the store is the same, its training folder is empty. */
  moveToAnotherHost(): void {
    this.holder = 'host-2/200';
    this.#folders = [];
    this.#steps = [];
    this.#launch = '';
    this.trainer = { kind: 'absent' };
  }

  /** What the training activities are made with. */
  get deps(): TrainDeps {
    return {
      store: this.store,
      states: this.#resumeStates(),
      trainers: this,
      metrics: this.metrics,
      holder: this.holder,
      workspace: {
        scratch: async () => path.join(this.#root, 'scratch'),
        training: async (key) => path.join(this.#root, key),
        remove: async () => undefined,
      },
      data: {
        suite: async () => {
          throw new Error('a training reads no suite');
        },
        datasetDigest: async (file) => digestOf(file),
      },
      door: {
        knownReleases: async () => [],
        noteTrouble: async () => undefined,
        observeRelease: async () => 'queued',
        announceCheckpoint: async (workflowId, runId, notice) => {
          this.noticesTo.push(`${workflowId} ${runId}`);
          this.notices.push(notice);
        },
      },
      clock: {
        now: () => new Date(Date.parse(AT) + this.sleptMs),
        sleep: (milliseconds, signal) => this.#sleep(milliseconds, signal),
      },
    };
  }

  /** The one training's ledger as the store has it. */
  get ledger(): TrainingLedger {
    const [[, digest] = ['', '']] = this.#trainingRefs();
    return trainingLedgerSchema.parse(this.store.records.get(digest));
  }

  /** Somebody else takes the training over. */
  async takeOver(holder: string): Promise<TrainingClaim> {
    const [[name] = ['']] = this.#trainingRefs();
    return TrainingClaim.take(this.store, name.slice('training/'.length), holder);
  }

  /** The trainer of the newest attempt logs a step; values given override. */
  step(step: number, values: Partial<TrainingStep> = {}): void {
    const attempt = this.jobs.at(-1)?.attempt ?? 1;
    const usual = { lossNats: 1 / step, learningRate: 1e-3, gradientNorm: 1, stepSeconds: 0.1, tokensSeen: step * 8 };
    this.#steps.push(trainingStepSchema.parse({ attempt, step, device: 'cpu', ...usual, ...values }));
  }

  /** The trainer of the newest attempt finishes a checkpoint. */
  async checkpoint(step: number, problem: string | null = null): Promise<void> {
    const relativePath = `checkpoints/checkpoint-${String(step)}`;
    const model = singleFile(f32Tensor('model.norm.weight', [step]));
    const folder = path.join(this.#root, `${this.holder}-${relativePath}`);
    await rm(folder, { recursive: true, force: true });
    await writeModelFolder(folder, model);
    const attempt = this.jobs.at(-1)?.attempt ?? 1;
    this.#folders = this.#folders.filter((other) => other.step !== step);
    this.#folders.push({ step, attempt, folder, relativePath, problem });
  }

  /** A checkpoint that has no marker yet. */
  tear(step: number, why: string): void {
    this.#torn.set(step, why);
  }

  /** What verifying the checkpoint in the training folder says from now on. */
  damage(step: number, problem: string): void {
    this.#change(step, { problem });
  }

  /** The checkpoint in the training folder is another attempt's from now on. */
  disown(step: number, attempt: number): void {
    this.#change(step, { attempt });
  }

  /** Steps of the checkpoints in the training folder. */
  get folderSteps(): readonly number[] {
    return this.#folders.map(({ step }) => step).sort((left, right) => left - right);
  }

  exit(exitCode: number | null, reason: ExitReason | null = null): void {
    this.trainer = { kind: 'exited', exitCode, reason };
  }

  async state({ token }: TrainerLaunch): Promise<TrainerState> {
    return token === this.#launch ? this.trainer : { kind: 'absent' };
  }

  async start({ token }: TrainerLaunch, job: TrainerJob): Promise<void> {
    this.calls.push(`start from ${job.resumeFrom ?? 'zero'}`);
    this.jobs.push(job);
    this.#launch = token;
    this.trainer = { kind: 'running' };
  }

  async stop({ token }: TrainerLaunch, how: 'dump' | 'checkpoint' | 'kill'): Promise<void> {
    this.calls.push(`stop: ${how}`);
    if (token === this.#launch && how === 'kill') this.exit(null);
  }

  async renewLease(): Promise<void> {
    this.leases += 1;
  }

  async checkpoints(): Promise<FoundCheckpoints> {
    const complete = [...this.#folders].sort((left, right) => left.step - right.step);
    return { complete, rejected: [...this.#torn].map(([step, why]) => ({ step, why })) };
  }

  async verify(checkpoint: CheckpointFolder): Promise<string | null> {
    return this.#folders.find(({ step }) => step === checkpoint.step)?.problem ?? null;
  }

  async removeCheckpoints(_folder: string, steps: readonly number[]): Promise<void> {
    this.#folders = this.#folders.filter(({ step }) => !steps.includes(step));
    for (const step of steps) this.#torn.delete(step);
  }

  async readSteps(
    _folder: string,
    offsetBytes: number,
  ): Promise<{ readonly steps: readonly TrainingStep[]; readonly offsetBytes: number }> {
    return { steps: this.#steps.slice(offsetBytes), offsetBytes: this.#steps.length };
  }

  /** The log of a program that says nothing else. */
  logSize = 0;

  async logBytes(): Promise<number> {
    return this.logSize;
  }

  async lastWords(): Promise<string> {
    return this.words;
  }

  #change(step: number, fields: Partial<Folder>): void {
    this.#folders = this.#folders.map((folder) => (folder.step === step ? { ...folder, ...fields } : folder));
  }

  #resumeStates(): ResumeStates {
    return {
      put: async (_training, name, folder) => {
        const found = this.#folders.find((checkpoint) => checkpoint.folder === folder);
        if (found !== undefined) this.states.set(name, found);
      },
      fetch: async (_training, name) => {
        const state = this.states.get(name);
        if (state === undefined) return false;
        this.#folders = [...this.#folders.filter(({ step }) => step !== state.step), state];
        return true;
      },
      keepOnly: async (_training, names) => {
        for (const name of this.states.keys()) if (!names.has(name)) this.states.delete(name);
      },
    };
  }

  #trainingRefs(): readonly (readonly [string, string])[] {
    return [...this.store.refs].filter(([name]) => name.startsWith('training/'));
  }

  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    this.sleptMs += milliseconds;
    if (this.sleptMs > 3_600_000) throw new Error('slept an hour: the supervisor never ends');
    await this.#script.shift()?.(this);
    signal.throwIfAborted();
  }
}
