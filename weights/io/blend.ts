import { WeightsError } from '../errors.ts';
import { isFloatDtype } from '../dtype.ts';
import { findProblems } from '../plan/compatibility.ts';
import { elementCount, type TensorEntry } from '../plan/model.ts';
import { toSource, type MovedTensor } from '../plan/plan-move.ts';
import { createProblem, IncompatibleError, type Problem } from '../plan/problem.ts';
import { createSelector } from '../plan/selection.ts';
import { planVocabulary } from '../plan/vocabulary/plan-vocabulary.ts';
import type { VocabularyOutcome } from '../plan/vocabulary/types.ts';
import type { WorkOptions } from './engine/run-plan.ts';
import { addedTokensOf, fineTuneTexts, generationConfigOf, openParticipant } from './participant.ts';
import { prepareMove, type OutputShape } from './prepare-move.ts';
import { originOf } from './provenance.ts';
import { createVocabularyReader } from './read-vocabulary.ts';
import { writeMovedModel, type ApplyReport } from './write-moved-model.ts';

/** Two models of one kind, and where between them the new one lies. */
export interface BlendInput extends OutputShape, WorkOptions {
  readonly one: string;
  readonly other: string;
  /** t: 0 gives the values of `one`, 1 those of `other`; beyond, the line is followed on. */
  readonly weight: number;
  /** A folder that does not exist yet. */
  readonly out: string;
}

/**
 * (1 − t)·one + t·other, in float64 (each product rounded, then their sum), rounded once, to nearest even, to the dtypes of
 * `one`, whose files and layout the output has. For probes of whether two models are connected without a barrier
 * (arXiv 2503.20110, section on linear mode connectivity). Both need the same tokens at the same rows. Inputs are not changed.
 *
 * Errors: those of `recycle`. Run twice, the second run fails with WEIGHTS_OUTPUT_EXISTS; run again after it was stopped, it
 * goes on where it was.
 */
export async function blend(input: BlendInput): Promise<ApplyReport> {
  const { weight } = input;
  if (!Number.isFinite(weight)) {
    const message = `weight: found ${String(weight)}, expected a finite number; 0.5 is the middle.`;
    throw new WeightsError('WEIGHTS_ARGUMENT_INVALID', message, { weight: String(weight) });
  }
  const read = createVocabularyReader();
  const one = await openParticipant('one', input.one, read);
  const other = await openParticipant('other', input.other, read);
  const vocabulary = {
    ...{ base: one.vocabulary, tuned: other.vocabulary, target: one.vocabulary },
    addedTokens: addedTokensOf(other.texts),
  };
  const outcome = await prepareMove({
    ...{ ...input, target: one, selector: createSelector({}), outputs: 1, vocabulary },
    problems: [...findProblems(one.facts, [other.facts]), ...vocabularyProblems(planVocabulary(vocabulary))],
    planTensors: () =>
      [...one.tensors].flatMap(([name, entry]): MovedTensor[] => {
        const theirs = other.tensors.get(name);
        return theirs === undefined ? [] : [blendTensor(name, entry, theirs, input)];
      }),
    fineTune: fineTuneTexts(one.texts),
    configs: { tuned: one.model.config, base: one.model.config },
    baseGeneration: generationConfigOf(one.texts),
  });
  if (outcome.kind === 'problems') throw new IncompatibleError(outcome.problems);
  const models = [await originOf(one, null), await originOf(other, null)];
  const story = { operation: 'blend', models, settings: [{ weight, dtype: input.dtype ?? null }] } as const;
  const [report] = await writeMovedModel(outcome.move, [input.out], story, input);
  if (report === undefined) throw new RangeError('one output gave no report');
  return report;
}

function vocabularyProblems(outcome: VocabularyOutcome): readonly Problem[] {
  if (outcome.kind === 'problems') return []; // whoever plans the move names them
  const { moved, changed } = outcome.plan.summary;
  if (moved === outcome.plan.rows && changed === 0) return [];
  return [
    createProblem({
      code: 'WEIGHTS_VOCABULARY_MISMATCH',
      subject: 'other: vocabulary',
      found: `${String(outcome.plan.rows - moved)} rows of other tokens, and ${String(changed)} tokens at other rows`,
      expected: 'the same tokens at the same rows, as in one',
      advice: 'blend models with one tokenizer',
    }),
  ];
}

function blendTensor(
  canonicalName: string,
  entry: TensorEntry,
  other: TensorEntry,
  { weight, dtype }: Pick<BlendInput, 'weight' | 'dtype'>,
): MovedTensor {
  const count = elementCount(entry.shape);
  const expression = { kind: 'blend', one: toSource(entry), other: toSource(other), weights: [weight] } as const;
  return {
    name: entry.name,
    canonicalName,
    dtype: dtype !== undefined && isFloatDtype(entry.dtype) ? dtype : entry.dtype,
    shape: entry.shape,
    scales: [weight],
    parts: count === 0 ? [] : [{ count, expression }],
    coverage: { moved: weight === 0 ? 0 : count, mapped: 0, kept: weight === 0 ? count : 0, excluded: 0 },
  };
}
