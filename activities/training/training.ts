import { RECIPE_KEYS, type FinetuneSpec } from '../../contracts/lineage-spec.schema.ts';
import type { RunKey } from '../../contracts/run.ts';
import type { TrainingStart } from '../../contracts/training-ledger.schema.ts';
import type { Metrics } from '../../metrics/registry.ts';
import { nextAttempt, type NextAttempt, type Patience } from '../../policy/next-attempt.ts';
import type { ArtifactStore, Clock, DataReader, LineageDoor, Workspace } from '../ports.ts';
import type { ResumeStates, TrainerHost, TrainerLaunch } from '../training-ports.ts';
import type { ActivityScope } from '../rim.ts';
import { TrainingClaim } from './claim.ts';

export interface TrainDeps {
  readonly store: ArtifactStore;
  readonly states: ResumeStates;
  readonly workspace: Workspace;
  readonly trainers: TrainerHost;
  readonly data: DataReader;
  readonly door: LineageDoor;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Names this process to people: host and pid. */
  readonly holder: string;
}

export interface FinetuneInput {
  readonly key: RunKey;
  readonly startModel: string;
  readonly finetune: FinetuneSpec;
}

/** One training as its supervisor sees it: who it is, where it is, and the right to change it. */
export interface Training {
  readonly deps: TrainDeps;
  readonly input: FinetuneInput;
  readonly scope: ActivityScope;
  /** Lineage, release, arm, and the digest of all that decides about its result. */
  readonly id: string;
  readonly folder: string;
  readonly jobDigest: string;
  readonly datasetDigest: string;
  readonly claim: TrainingClaim;
  readonly patience: Patience;
}

/**
 * Names a training by everything that its result depends on, and takes it over. A spec that changes only how trainings are
 * looked after names the same one.
 */
export async function openTraining(deps: TrainDeps, input: FinetuneInput, scope: ActivityScope): Promise<Training> {
  const { finetune, startModel, key } = input;
  const datasetDigest = await deps.data.datasetDigest(finetune.dataset);
  const jobDigest = await deps.store.putRecord({ startModel, datasetDigest, recipe: recipeOf(finetune) });
  const id = `${runName(key)}-${jobDigest.slice(0, 12)}`;
  const folder = await deps.workspace.training(id);
  const claim = await TrainingClaim.take(deps.store, id, deps.holder);
  const { batchSize, giveUpAfter } = finetune;
  const microBatchSize = claim.ledger.attempts.at(-1)?.microBatchSize ?? finetune.microBatchSize ?? batchSize;
  const patience = { batchSize, giveUpAfter, microBatchSize };
  return { deps, input, scope, id, folder, jobDigest, datasetDigest, claim, patience };
}

/** The newest attempt's trainer; null while there was none. */
export function launchOf({ claim, folder }: Training): TrainerLaunch | null {
  const newest = claim.ledger.attempts.at(-1);
  return newest === undefined ? null : { folder, token: newest.launch, launcher: newest.launcher };
}

/** `lineage/release/arm`: a run's name in the store, in folders and in sentences. */
export function runName({ lineage, release, arm }: RunKey): string {
  return `${lineage}/${release}/${arm}`;
}

/** `Training lineage/release/arm`, as sentences about it begin. */
export function subjectOf({ input }: Training): string {
  return `Training ${runName(input.key)}`;
}

export function isComplete({ claim, input }: Training): boolean {
  return claim.ledger.checkpoints.at(-1)?.step === input.finetune.steps;
}

/** What the policy says about the attempts of this chance. */
export function planNext({ claim, scope, patience }: Training): NextAttempt {
  const { attempts, checkpoints } = claim.ledger;
  const chance = attempts.filter((attempt) => attempt.chance === scope.runId);
  return nextAttempt(chance, checkpoints.at(-1)?.step ?? null, patience);
}

/** Counts a start, and shows what may go wrong from now on as 0: a series that is not there raises no alarm. */
export function countStart({ deps, input }: Training, how: TrainingStart['how']): void {
  const { trainingStarts, trainingContinuity, staleWritesRefused } = deps.metrics;
  trainingStarts.increment({ ...input.key, how });
  for (const verdict of ['verified', 'broken', 'nothing to compare'] as const) {
    trainingContinuity.increment({ ...input.key, verdict }, 0);
  }
  staleWritesRefused.increment(input.key, 0);
}

/** What decides about a training's result. The micro-batch is no part of it: out of memory changes it on the way. */
function recipeOf(finetune: FinetuneSpec): Partial<FinetuneSpec> {
  const keys = RECIPE_KEYS.filter((key) => key !== 'microBatchSize' && key !== 'dataset');
  return Object.fromEntries(keys.flatMap((key) => (finetune[key] === undefined ? [] : [[key, finetune[key]]])));
}
