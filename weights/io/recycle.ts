import { WeightsError } from '../errors.ts';
import { findProblems } from '../plan/compatibility.ts';
import { IncompatibleError } from '../plan/problem.ts';
import { planMove } from '../plan/plan-move.ts';
import { assertScale, createSelector, type Selection } from '../plan/selection.ts';
import type { VocabularyInput } from '../plan/vocabulary/types.ts';
import type { WorkOptions } from './engine/run-plan.ts';
import { openDelta } from './open-delta.ts';
import type { FineTune } from './fine-tune.ts';
import { openFineTune } from './open-fine-tune.ts';
import { addedTokensOf, generationConfigOf, openParticipant, type Participant } from './participant.ts';
import { prepareMove, type MoveOutcome, type OutputShape } from './prepare-move.ts';
import { originOf } from './provenance.ts';
import { createVocabularyReader } from './read-vocabulary.ts';
import { writeMovedModel, type ApplyReport, type MoveStory } from './write-moved-model.ts';

/** Three models, and how much of the difference of two goes to the third. */
export interface RecycleModels extends Selection, OutputShape {
  readonly target: string;
  /** A model folder, or the folder of a PEFT LoRA adapter. */
  readonly tuned: string;
  readonly base: string;
  /** An earlier delta folder to compare directions with, for the health report. */
  readonly previous?: string;
  /** Digests by which the caller has pinned the models; recorded in regraft.json, not checked. */
  readonly pinned?: Readonly<Partial<Record<'target' | 'tuned' | 'base', string>>>;
  /** Go on although `base` does not look like the parent of `tuned`. Default false. */
  readonly allowDistantBase?: boolean;
}

/** What to recycle, and where the new model goes. */
export interface RecycleInput extends RecycleModels, WorkOptions {
  /** λ; 1 is the paper's. */
  readonly scale: number;
  /** A folder that does not exist yet. */
  readonly out: string;
}

/** Several λ, tried in one pass over the inputs. */
export interface SweepInput extends RecycleModels, WorkOptions {
  readonly outputs: readonly { readonly scale: number; readonly out: string }[];
}

/**
 * target + λ(tuned − base) in one pass, with no Δ on disk: float64 throughout, rounded once, to nearest even, to the
 * target's dtypes. (By way of a stored Δ there is one more rounding, to F32.) Operands BF16, F16, F32 or F64, mixed as they
 * come. A tied embedding gets Δ once; vocabulary rows are matched by token. Architecture, RoPE settings, dtypes, file names
 * and layout are the target's; chat template, generation config and tokenizer rules the fine-tune's. With λ = 0 the weights
 * are the target's, byte for byte. Inputs are not changed; memory does not grow with the model.
 *
 * Errors: WEIGHTS_INCOMPATIBLE (every problem), WEIGHTS_WRONG_BASE, WEIGHTS_NON_FINITE, WEIGHTS_ARGUMENT_INVALID,
 * WEIGHTS_OUTPUT_EXISTS, WEIGHTS_OUTPUT_BUSY, WEIGHTS_SPACE_MISSING, WEIGHTS_ABORTED, and those of `openModel`. Run twice, the
 * second run fails with WEIGHTS_OUTPUT_EXISTS; run again after it was stopped, it goes on where it was.
 */
export async function recycle(input: RecycleInput): Promise<ApplyReport> {
  const { scale, out } = input;
  const [report] = await sweep({ ...input, outputs: [{ scale, out }] });
  if (report === undefined) throw new RangeError('a sweep over one λ gave no report');
  return report;
}

/**
 * As `recycle`, for several λ at once: the inputs are read once. Every output gives the bytes that `recycle` would. Outputs
 * appear one after another at the end; reports are in the order of `outputs`.
 */
export async function sweep(input: SweepInput): Promise<readonly ApplyReport[]> {
  const { outputs } = input;
  const scales = outputs.map(({ scale }) => scale);
  for (const scale of scales) assertScale(scale);
  if (outputs.length === 0) {
    const message = 'outputs: found none, expected at least one; name a λ and a folder.';
    throw new WeightsError('WEIGHTS_ARGUMENT_INVALID', message);
  }
  const { outcome, opened, tuned } = await planRecycle(input, scales);
  if (outcome.kind === 'problems') throw new IncompatibleError(outcome.problems);
  if (input.allowDistantBase !== true) await tuned.assertParent(opened.target.tensors);
  const outs = outputs.map(({ out }) => out);
  return await writeMovedModel(outcome.move, outs, await storyOf(input, scales, { ...opened, tuned }), input);
}

async function storyOf(
  { pinned = {}, scales: byPattern = [], include = [], exclude = [], dtype }: RecycleModels,
  scales: readonly number[],
  { target, base, tuned }: PlannedRecycle['opened'] & Pick<PlannedRecycle, 'tuned'>,
): Promise<MoveStory> {
  const adapter = { role: 'tuned', digest: pinned.tuned ?? null, layout: null };
  return {
    operation: 'recycle',
    models: [
      await originOf(target, pinned.target ?? null),
      tuned.model === null ? adapter : await originOf(tuned.model, pinned.tuned ?? null),
      await originOf(base, pinned.base ?? null),
    ],
    settings: scales.map((scale) => ({ scale, scales: byPattern, include, exclude, dtype: dtype ?? null })),
  };
}

/** A planned recycle, or every reason why there is none, and what was opened for it. */
export interface PlannedRecycle {
  readonly outcome: MoveOutcome;
  readonly opened: { readonly target: Participant; readonly base: Participant };
  readonly tuned: FineTune;
}

/** Plans from headers, configs and tokenizers alone. */
export async function planRecycle(input: RecycleModels, scales: readonly number[]): Promise<PlannedRecycle> {
  const selector = createSelector(input);
  const read = createVocabularyReader();
  const base = await openParticipant('base', input.base, read);
  const target = await openParticipant('target', input.target, read);
  const tuned = await openFineTune(input.tuned, base, { isExcluded: selector.isExcluded, read });
  const vocabulary: VocabularyInput = {
    base: base.vocabulary,
    tuned: tuned.vocabulary,
    target: target.vocabulary,
    addedTokens: addedTokensOf(tuned.texts),
  };
  const previous = input.previous === undefined ? null : (await openDelta(input.previous)).tensors;
  const outcome = await prepareMove({
    ...{ ...input, target, selector, vocabulary },
    problems: [...findProblems(base.facts, [target.facts], selector.isExcluded), ...tuned.problems],
    planTensors: (rows) =>
      planMove({
        ...{ target: target.tensors, selector, vocabulary: rows, previous, dtype: input.dtype ?? null },
        terms: [{ scales, deltaOf: tuned.deltaOf, ownOf: tuned.ownOf }],
      }),
    outputs: scales.length,
    fineTune: tuned.texts,
    configs: { tuned: tuned.config, base: base.model.config },
    baseGeneration: generationConfigOf(base.texts),
  });
  return { outcome, opened: { base, target }, tuned };
}
