import { z } from 'zod';
import { RegraftError } from '../contracts/error.ts';
import type { FinetuneSpec } from '../contracts/lineage-spec.schema.ts';
import type { RunKey } from '../contracts/run.ts';
import type { TrainingOutcome } from '../contracts/run-record.schema.ts';
import type { Metrics } from '../metrics/registry.ts';
import { trainerEnd } from '../policy/trainer-exit.ts';
import { openModel } from '../weights/index.ts';
import type { ArtifactStore, Clock, DataReader, LineageDoor, TrainerHost, TrainingStep, Workspace } from './ports.ts';
import { stageAtRim, type ActivityScope } from './rim.ts';

export interface TrainDeps {
  readonly store: ArtifactStore;
  readonly workspace: Workspace;
  readonly trainers: TrainerHost;
  readonly data: DataReader;
  readonly door: LineageDoor;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

const LOOK_EVERY_MS = 250;
/** How long a trainer may take to reach its next step and save, before its group is killed. */
const CHECKPOINT_GRACE_MS = 120_000;

export interface FinetuneInput {
  readonly key: RunKey;
  readonly startModel: string;
  readonly finetune: FinetuneSpec;
}

/** Supervision of trainers on a `gpu` queue. */

export function createTrainActivities(deps: TrainDeps) {
  return {
    finetuneModel: stageAtRim(deps.metrics, 'finetune', (input: FinetuneInput, scope) =>
      superviseTraining(deps, input, scope),
    ),
  };
}

/**
 * Brings one training to its end. The trainer is a process of its own with a folder: when this runs again (a retry, a
 * restarted worker) it adopts a trainer that is alive, resumes a dead one from its newest checkpoint that verifies, and
 * does nothing when the training is complete. Every finished checkpoint goes into the store and is announced to the run.
 *
 * Heartbeats `{step}`. A worker that shuts down leaves the trainer running; a cancelled activity asks it for a
 * checkpoint and ends it.
 *
 * @throws RegraftError TRAINER_* as in policy/trainer-exit.ts, with the trainer's last words.
 */
async function superviseTraining(
  deps: TrainDeps,
  input: FinetuneInput,
  scope: ActivityScope,
): Promise<TrainingOutcome> {
  const { trainers, data, store } = deps;
  const datasetDigest = await data.datasetDigest(input.finetune.dataset);
  const jobDigest = await store.putRecord({ startModel: input.startModel, datasetDigest, finetune: input.finetune });
  const { lineage, release, arm } = input.key;
  const folder = await deps.workspace.training(`${lineage}/${release}/${arm}-${jobDigest.slice(0, 12)}`);
  const watch = new TrainingWatch(deps, input, folder, scope);

  await begin(deps, input, folder);
  try {
    await watch.untilEnd();
  } catch (error) {
    if (scope.stopReason() === 'cancelled') await stopWithCheckpoint(deps, folder);
    throw error;
  }
  const curveDigest = await store.putRecord(watch.curve());
  return {
    starts: [...(await trainers.starts(folder))],
    stepsDone: input.finetune.steps,
    checkpoints: watch.announced(),
    curveDigest,
    datasetDigest,
    jobDigest,
  };
}

async function begin(deps: TrainDeps, input: FinetuneInput, folder: string): Promise<void> {
  const { trainers, metrics } = deps;
  const { lineage, arm } = input.key;
  const state = await trainers.state(folder);
  const resume = await newestVerified(trainers, folder);
  if (state.kind === 'running') {
    await trainers.noteStart(folder, { how: 'adopted', atStep: resume?.step ?? 0 });
    metrics.trainingStarts.increment({ lineage, arm, how: 'adopted' });
    return;
  }
  if (resume !== null && resume.step >= input.finetune.steps) return;
  const { trainer, dataset, ...recipe } = input.finetune;
  await trainers.start(folder, {
    model: await deps.store.materialize(input.startModel),
    dataset,
    resumeFrom: resume?.relativePath ?? null,
    recipe: { method: trainer, ...recipe },
  });
  const how = resume === null ? 'started' : 'resumed';
  await trainers.noteStart(folder, { how, atStep: resume?.step ?? 0 });
  metrics.trainingStarts.increment({ lineage, arm, how });
}

/** The newest checkpoint by number whose files all verify; null when there is none. */
async function newestVerified(
  trainers: TrainerHost,
  folder: string,
): Promise<{ readonly step: number; readonly relativePath: string } | null> {
  for (const checkpoint of [...(await trainers.checkpoints(folder))].reverse()) {
    if (await trainers.verify(checkpoint)) return checkpoint;
  }
  return null;
}

async function stopWithCheckpoint(deps: TrainDeps, folder: string): Promise<void> {
  await deps.trainers.stop(folder, 'checkpoint');
  const never = new AbortController().signal;
  for (let waitedMs = 0; waitedMs < CHECKPOINT_GRACE_MS; waitedMs += LOOK_EVERY_MS) {
    if ((await deps.trainers.state(folder)).kind !== 'running') return;
    await deps.clock.sleep(LOOK_EVERY_MS, never);
  }
  await deps.trainers.stop(folder, 'kill');
}

const stepSchema = z.strictObject({ step: z.int() });

/** Follows one training folder: its steps become gauges, its checkpoints go into the store, its end is judged. */
class TrainingWatch {
  readonly #deps: TrainDeps;
  readonly #input: FinetuneInput;
  readonly #folder: string;
  readonly #scope: ActivityScope;
  readonly #steps = new Map<number, TrainingStep>();
  readonly #stored = new Map<number, string>();
  #offsetBytes = 0;

  constructor(deps: TrainDeps, input: FinetuneInput, folder: string, scope: ActivityScope) {
    this.#deps = deps;
    this.#input = input;
    this.#folder = folder;
    this.#scope = scope;
  }

  async untilEnd(): Promise<void> {
    const { trainers, clock } = this.#deps;
    for (;;) {
      const state = await trainers.state(this.#folder);
      await this.#readSteps();
      await this.#storeCheckpoints();
      if (state.kind !== 'running') {
        await this.#judgeEnd(state.kind === 'exited' ? state.exitCode : null);
        return;
      }
      await clock.sleep(LOOK_EVERY_MS, this.#scope.signal);
    }
  }

  /** One entry a step, the newest attempt's: replayed steps are the same on CPU. */
  curve(): readonly TrainingStep[] {
    return [...this.#steps.values()].sort((left, right) => left.step - right.step);
  }

  announced(): { step: number; modelDigest: string }[] {
    return [...this.#stored].map(([step, modelDigest]) => ({ step, modelDigest })).sort((a, b) => a.step - b.step);
  }

  async #readSteps(): Promise<void> {
    const read = await this.#deps.trainers.readSteps(this.#folder, this.#offsetBytes);
    this.#offsetBytes = read.offsetBytes;
    for (const step of read.steps) this.#steps.set(step.step, step);
    const newest = read.steps.at(-1);
    if (newest === undefined) return;
    this.#scope.progress(stepSchema.parse({ step: newest.step }));
    this.#show(newest);
  }

  #show(newest: TrainingStep): void {
    const { metrics } = this.#deps;
    const labels = this.#input.key;
    metrics.trainStep.set(labels, newest.step);
    metrics.trainStepsPlanned.set(labels, this.#input.finetune.steps);
    metrics.trainLossNats.set(labels, newest.lossNats);
    metrics.trainLearningRate.set(labels, newest.learningRate);
    metrics.trainGradientNorm.set(labels, newest.gradientNorm);
    metrics.trainStepSeconds.set(labels, newest.stepSeconds);
    metrics.trainTokensSeen.set(labels, newest.tokensSeen);
  }

  async #storeCheckpoints(): Promise<void> {
    const { trainers, store, door } = this.#deps;
    for (const checkpoint of await trainers.checkpoints(this.#folder)) {
      if (this.#stored.has(checkpoint.step)) continue;
      const { files } = await openModel(checkpoint.folder);
      const run = `${this.#input.key.lineage}/${this.#input.key.release}/${this.#input.key.arm}`;
      const manifest = await store.putFolder({
        kind: 'model',
        folder: checkpoint.folder,
        files,
        provenance: { kind: 'checkpoint', run, start: this.#input.startModel, step: checkpoint.step },
        take: 'link',
        signal: this.#scope.signal,
      });
      this.#stored.set(checkpoint.step, manifest.digest);
      const notice = { step: checkpoint.step, modelDigest: manifest.digest };
      await door.announceCheckpoint(this.#scope.workflowId, this.#scope.runId, notice);
    }
  }

  async #judgeEnd(exitCode: number | null): Promise<void> {
    if (this.#stored.has(this.#input.finetune.steps)) return;
    const end = trainerEnd(exitCode);
    const { lineage, release, arm } = this.#input.key;
    const subject = `Training ${lineage}/${release}/${arm}`;
    const at = `after step ${String(this.curve().at(-1)?.step ?? 0)} of ${String(this.#input.finetune.steps)}`;
    const words = await this.#deps.trainers.lastWords(this.#folder);
    if (end.kind === 'done') {
      throw new RegraftError('TRAINER_INCOMPLETE', `${subject} ended without its last checkpoint ${at}: ${words}`);
    }
    throw new RegraftError(end.code, `${subject} ${end.meaning} ${at}: ${words}`, {
      retryable: end.retryable,
      details: { exitCode, folder: this.#folder },
    });
  }
}
