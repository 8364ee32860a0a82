import path from 'node:path';
import type {
  CheckpointFolder,
  CheckpointNotice,
  TrainerHost,
  TrainerJob,
  TrainerState,
  TrainingStart,
  TrainingStep,
} from '../../activities/ports.ts';
import type { TrainDeps } from '../../activities/train.ts';
import { createMetrics, type Metrics } from '../../metrics/registry.ts';
import { AT, digestOf } from './lineage-values.ts';
import { MemoryStore } from './memory-store.ts';
import { f32Tensor, singleFile, temporaryFolder, writeModelFolder } from './safetensors.ts';

/** What happens while the supervisor sleeps once. */
export type Tick = (world: TrainingWorld) => void | Promise<void>;

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
  /** Milliseconds slept. */
  sleptMs = 0;
  trainer: TrainerState = { kind: 'absent' };
  words = 'no words';
  #script: Tick[] = [];
  readonly #root: string;
  readonly #folders: (CheckpointFolder & { readonly verifies: boolean })[] = [];
  readonly #steps: TrainingStep[] = [];
  readonly #starts: TrainingStart[] = [];

  private constructor(root: string) {
    this.#root = root;
  }

  static async create(...script: readonly Tick[]): Promise<TrainingWorld> {
    const world = new TrainingWorld(await temporaryFolder());
    world.#script = [...script];
    return world;
  }

  /** What the training activities are made with. */
  get deps(): TrainDeps {
    return {
      store: this.store,
      trainers: this,
      metrics: this.metrics,
      workspace: {
        scratch: async () => path.join(this.#root, 'scratch'),
        training: async (key) => path.join(this.#root, key),
        remove: async () => undefined,
      },
      data: {
        suite: async () => ({ name: 'sums', digest: digestOf('suite'), samples: [] }),
        datasetDigest: async (file) => digestOf(file),
      },
      door: {
        knownReleases: async () => [],
        observeRelease: async () => undefined,
        announceCheckpoint: async (workflowId, runId, notice) => {
          this.noticesTo.push(`${workflowId} ${runId}`);
          this.notices.push(notice);
        },
      },
      clock: { now: () => new Date(AT), sleep: (milliseconds, signal) => this.#sleep(milliseconds, signal) },
    };
  }

  /** The trainer logs a step. */
  step(step: number, attempt = 1): void {
    const values = { learningRate: 1e-3, gradientNorm: 1, stepSeconds: 0.1, tokensSeen: step * 8 };
    this.#steps.push({ attempt, step, lossNats: attempt / step, ...values });
  }

  /** The trainer finishes a checkpoint. */
  async checkpoint(step: number, verifies = true): Promise<void> {
    const relativePath = `checkpoints/checkpoint-${String(step)}`;
    const model = singleFile(f32Tensor('model.norm.weight', [step]));
    const folder = await writeModelFolder(path.join(this.#root, relativePath), model);
    this.#folders.push({ step, folder, relativePath, verifies });
  }

  exit(exitCode: number | null): void {
    this.trainer = { kind: 'exited', exitCode };
  }

  async state(): Promise<TrainerState> {
    return this.trainer;
  }

  async start(_folder: string, job: TrainerJob): Promise<void> {
    this.calls.push(`start from ${job.resumeFrom ?? 'zero'}`);
    this.jobs.push(job);
    this.trainer = { kind: 'running' };
    const begin = Number(job.resumeFrom?.split('-').at(-1) ?? 0);
    this.#folders.splice(0, Infinity, ...this.#folders.filter(({ step }) => step <= begin));
  }

  async noteStart(_folder: string, start: TrainingStart): Promise<void> {
    this.#starts.push(start);
  }

  async starts(): Promise<readonly TrainingStart[]> {
    return this.#starts;
  }

  async stop(_folder: string, how: 'checkpoint' | 'kill'): Promise<void> {
    this.calls.push(`stop: ${how}`);
  }

  async checkpoints(): Promise<readonly CheckpointFolder[]> {
    return [...this.#folders].sort((left, right) => left.step - right.step);
  }

  async verify(checkpoint: CheckpointFolder): Promise<boolean> {
    return this.#folders.some(({ step, verifies }) => step === checkpoint.step && verifies);
  }

  async readSteps(
    _folder: string,
    offsetBytes: number,
  ): Promise<{ readonly steps: readonly TrainingStep[]; readonly offsetBytes: number }> {
    return { steps: this.#steps.slice(offsetBytes), offsetBytes: this.#steps.length };
  }

  async lastWords(): Promise<string> {
    return this.words;
  }

  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    this.sleptMs += milliseconds;
    if (this.sleptMs > 600_000) throw new Error('slept ten minutes: the supervisor never ends');
    await this.#script.shift()?.(this);
    signal.throwIfAborted();
  }
}
