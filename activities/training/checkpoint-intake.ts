import type { RejectedCheckpoint } from '../../contracts/training-ledger.schema.ts';
import { checkpointsToKeep } from '../../policy/keep-checkpoints.ts';
import { commitCheckpoint, forgetStates, trainedSeconds } from '../../policy/training-ledger.ts';
import { openModel } from '../../weights/index.ts';
import type { CheckpointFolder, FoundCheckpoints } from '../training-ports.ts';
import type { StepLog } from './step-log.ts';
import { isComplete, runName, type Training } from './training.ts';

/**
 * Takes the newest attempt's checkpoints in as they are finished: verifies every byte, keeps model, full state and curve
 * in the store, commits them under the fencing token, tells the run, and removes what is no longer needed.
 */
export class CheckpointIntake {
  readonly #training: Training;
  readonly #log: StepLog;
  readonly #rejected = new Map<number, string>();
  #announced = 0;

  constructor(training: Training, log: StepLog) {
    this.#training = training;
    this.#log = log;
  }

  rejected(): readonly RejectedCheckpoint[] {
    return [...this.#rejected].map(([step, why]) => ({ step, why }));
  }

  async find(): Promise<FoundCheckpoints> {
    const { deps, folder, input, claim } = this.#training;
    const attempt = claim.ledger.attempts.at(-1)?.attempt;
    if (attempt === undefined) return { complete: [], rejected: [] };
    const seal =
      input.finetune.trainer === 'command' ? { attempt, model: await deps.store.materialize(input.startModel) } : null;
    return deps.trainers.checkpoints(folder, seal);
  }

  /** Commits what is new of it. Half-written ones are only noted: their trainer may still be at it. */
  async commit({ complete, rejected }: FoundCheckpoints): Promise<void> {
    const { claim } = this.#training;
    const newest = claim.ledger.attempts.at(-1);
    if (newest === undefined) return;
    for (const { step, why } of rejected) this.#rejected.set(step, why);
    await this.#announceNewest();
    for (const checkpoint of complete) {
      const { step, attempt } = checkpoint;
      this.#rejected.delete(step);
      const isNew = attempt === newest.attempt && step > newest.furthestStep && step > newest.atStep;
      if (isNew) await this.#take(checkpoint);
    }
  }

  async #take(checkpoint: CheckpointFolder): Promise<void> {
    const { deps, claim, id, folder, input, scope } = this.#training;
    const { step, attempt } = checkpoint;
    const problem = await deps.trainers.verify(checkpoint);
    if (problem !== null) {
      this.#rejected.set(step, problem);
      return;
    }
    const { files } = await openModel(checkpoint.folder);
    const manifest = await deps.store.putFolder({
      kind: 'model',
      folder: checkpoint.folder,
      files,
      provenance: { kind: 'checkpoint', run: runName(input.key), start: input.startModel, step },
      // A program of somebody's own may write into an old checkpoint again.
      take: input.finetune.trainer === 'command' ? 'copy' : 'link',
      // What a trainer saved because it was told to stop is taken in as well.
      signal: scope.signal.aborted ? new AbortController().signal : scope.signal,
    });
    const state = `checkpoint-${String(step)}-${String(claim.token)}`;
    await deps.states.put(id, state, checkpoint.folder);
    const from = claim.ledger.checkpoints.filter((other) => other.step < step).at(-1)?.step ?? 0;
    const curveDigest = await deps.store.putRecord(this.#log.between(from, step));
    const committed = { step, attempt, modelDigest: manifest.digest, state, curveDigest };
    await claim.change((ledger) => commitCheckpoint(ledger, committed));
    await this.#announceNewest();
    await this.#prune(folder);
  }

  /** Only the newest: earlier ones were announced before the next was committed. Repeats are dropped by the run. */
  async #announceNewest(): Promise<void> {
    const { deps, claim, scope } = this.#training;
    const newest = claim.ledger.checkpoints.at(-1);
    if (newest === undefined || newest.step === this.#announced) return;
    const { step, modelDigest } = newest;
    const seconds = trainedSeconds(claim.ledger.attempts, deps.clock.now().toISOString());
    await deps.door.announceCheckpoint(scope.workflowId, scope.runId, { step, modelDigest, trainedSeconds: seconds });
    this.#announced = step;
  }

  /** First the ledger, then the files: what the ledger names is there. */
  async #prune(folder: string): Promise<void> {
    const { deps, claim, id, input } = this.#training;
    const withState = claim.ledger.checkpoints.filter(({ state }) => state !== null);
    const keep = checkpointsToKeep(
      withState.map(({ step }) => step),
      isComplete(this.#training) ? 1 : input.finetune.keepLast,
    );
    const names = withState.flatMap(({ step, state }) => (keep.has(step) || state === null ? [] : [state]));
    if (names.length === 0) return;
    await claim.change((ledger) => forgetStates(ledger, names));
    const kept = claim.ledger.checkpoints.flatMap(({ state }) => state ?? []);
    await deps.states.keepOnly(id, new Set(kept));
    const gone = withState.map(({ step }) => step).filter((step) => !keep.has(step));
    await deps.trainers.removeCheckpoints(folder, gone);
  }
}
