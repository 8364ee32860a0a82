import { join } from 'node:path';
import { WeightsError } from '../errors.ts';
import { findProblems } from '../plan/compatibility.ts';
import { planMove } from '../plan/plan-move.ts';
import { createProblem, IncompatibleError, type Problem } from '../plan/problem.ts';
import { assertScale, createSelector, type Selection } from '../plan/selection.ts';
import { withoutRows } from '../plan/vocabulary/introduced-rows.ts';
import { sameTokens } from '../plan/vocabulary/same-tokens.ts';
import type { ModelVocabulary } from '../plan/vocabulary/types.ts';
import type { WorkOptions } from './engine/run-plan.ts';
import { hashFile } from './hash-file.ts';
import { openDelta } from './open-delta.ts';
import { openDeltaParticipant, type DeltaParticipant } from './open-delta-participant.ts';
import { addedTokensOf, openParticipant } from './participant.ts';
import { prepareMove, type OutputShape } from './prepare-move.ts';
import { originOf, type ModelOrigin } from './provenance.ts';
import { createVocabularyReader } from './read-vocabulary.ts';
import { writeMovedModel, type ApplyReport } from './write-moved-model.ts';

/** What to add to what, and where the model goes. */
export interface ApplyInput extends Selection, OutputShape, WorkOptions {
  readonly target: string;
  /** At least one; a delta with scale 0 is checked and then left out. The last one gives tokenizer rules and chat template. */
  readonly deltas: readonly { readonly folder: string; readonly scale: number }[];
  /** A folder that does not exist yet. */
  readonly out: string;
  /** An earlier delta folder to compare directions with, for the health report. */
  readonly previous?: string;
}

/**
 * target + Σ scale · Δ, in float64 (the terms first, in the order given), rounded once, to nearest even, to the target's dtypes.
 * Architecture, RoPE settings, dtypes, file names and layout are the target's; chat template, generation config and
 * tokenizer rules the last delta's. A tied embedding gets Δ once; vocabulary rows are matched by token, as `recycle` would.
 * With all scales 0 the weights are the target's, byte for byte. Inputs are not changed; memory does not grow with the model.
 *
 * Errors: WEIGHTS_INCOMPATIBLE (every problem), WEIGHTS_NON_FINITE, WEIGHTS_ARGUMENT_INVALID, WEIGHTS_OUTPUT_EXISTS,
 * WEIGHTS_OUTPUT_BUSY, WEIGHTS_SPACE_MISSING, WEIGHTS_ABORTED, and those of `openModel` and `openDelta`. Run twice, the second
 * run fails with WEIGHTS_OUTPUT_EXISTS; run again after it was stopped, it goes on where it was.
 */
export async function apply(input: ApplyInput): Promise<ApplyReport> {
  for (const { scale } of input.deltas) assertScale(scale);
  const selector = createSelector(input);
  const read = createVocabularyReader();
  const target = await openParticipant('target', input.target, read);
  const deltas: DeltaParticipant[] = [];
  for (const { folder } of input.deltas) deltas.push(await openDeltaParticipant(folder, read));
  const last = deltas.at(-1);
  if (last === undefined) {
    const message = 'deltas: found none, expected at least one; name a delta folder.';
    throw new WeightsError('WEIGHTS_ARGUMENT_INVALID', message);
  }
  const previous = input.previous === undefined ? null : (await openDelta(input.previous)).tensors;
  const { manifest } = last.delta;
  const facts = deltas.map((one) => one.facts);
  const outcome = await prepareMove({
    ...{ ...input, target, selector, outputs: 1 },
    problems: [...findProblems(target.facts, facts, selector.isExcluded), ...vocabularyProblems(deltas)],
    planTensors: (vocabulary) =>
      planMove({
        ...{ target: target.tensors, selector, vocabulary, previous, dtype: input.dtype ?? null },
        terms: deltas.map(({ deltaOf, ownOf }, index) => ({
          scales: [input.deltas[index]?.scale ?? 0],
          ...{ deltaOf, ownOf },
        })),
      }),
    vocabulary: {
      base: withoutRows(last.vocabulary, manifest.introducedRows),
      tuned: last.vocabulary,
      target: target.vocabulary,
      addedTokens: addedTokensOf(last.texts),
    },
    fineTune: last.texts,
    configs: manifest.configs,
    baseGeneration: manifest.baseGeneration,
  });
  if (outcome.kind === 'problems') throw new IncompatibleError(outcome.problems);
  const { scales = [], include = [], exclude = [], dtype = null } = input;
  const story = {
    operation: 'apply',
    models: [await originOf(target, null), ...(await Promise.all(deltas.map(originOfDelta)))],
    settings: [{ deltas: input.deltas.map(({ scale }) => scale), scales, include, exclude, dtype }],
  } as const;
  const [report] = await writeMovedModel(outcome.move, [input.out], story, input);
  if (report === undefined) throw new RangeError('one output gave no report');
  return report;
}

/** Rows of several deltas are added place by place: they must mean the same tokens. */
function vocabularyProblems(deltas: readonly DeltaParticipant[]): readonly Problem[] {
  const [first, ...others] = deltas;
  if (first === undefined) return [];
  return others.flatMap((other) =>
    isSame(first, other)
      ? []
      : createProblem({
          code: 'WEIGHTS_VOCABULARY_MISMATCH',
          subject: `${other.facts.role}: vocabulary`,
          found: 'other tokens or rows',
          expected: `those of ${first.facts.role}, because several deltas are added row by row`,
          advice: 'apply them one after another, or make them from fine-tunes with one tokenizer',
        }),
  );
}

function isSame(one: DeltaParticipant, other: DeltaParticipant): boolean {
  const introduced = ({ delta }: DeltaParticipant): string => JSON.stringify(delta.manifest.introducedRows);
  const digest = ({ vocabulary }: ModelVocabulary): string | null =>
    vocabulary.kind === 'files' ? vocabulary.digest : null;
  const [a, b] = [one.vocabulary, other.vocabulary];
  if (a.rows !== b.rows || a.vocabulary.kind !== b.vocabulary.kind || introduced(one) !== introduced(other))
    return false;
  if (a.vocabulary.kind !== 'tokens' || b.vocabulary.kind !== 'tokens') return digest(a) === digest(b);
  return sameTokens(a.vocabulary.tokens, b.vocabulary.tokens);
}

/** A delta is named by its manifest, which has the digests of all of its files. */
async function originOfDelta({ facts, delta }: DeltaParticipant): Promise<ModelOrigin> {
  const digest = await hashFile(join(delta.folder, 'delta.json'));
  return { role: facts.role, digest: `sha256:${digest}`, layout: null };
}
