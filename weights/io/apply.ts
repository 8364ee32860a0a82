import { join } from 'node:path';
import { WeightsError } from '../errors.ts';
import { addScaledInto } from '../ops/combine-kernel.ts';
import { findProblems } from '../plan/compatibility.ts';
import { IncompatibleError } from '../plan/problem.ts';
import { assertScale } from '../plan/assert-scale.ts';
import { openDelta, readDeltaFacts } from './open-delta.ts';
import { openModel } from './open-model.ts';
import { readFacts } from './read-facts.ts';
import type { Combine } from './stream-tensor.ts';
import { writeModel, type ApplyReport } from './write-model.ts';
import type { WorkOptions } from './write-tensors.ts';

/** What to add to what, and where the model goes. */
export interface ApplyInput extends WorkOptions {
  readonly target: string;
  /** At least one; a delta with scale 0 is checked and then left out. The last one gives tokenizer rules and chat template. */
  readonly deltas: readonly { readonly folder: string; readonly scale: number }[];
  /** A folder that does not exist yet. */
  readonly out: string;
}

/**
 * target + Σ scale · Δ, in float64 (the terms first, in the order given), rounded once, to nearest even, to the target's dtypes.
 * Architecture, RoPE settings, dtypes, file names and layout are the target's; chat template, generation config and
 * tokenizer rules the last delta's. A tied embedding gets Δ once. With all scales 0 the weights are the target's, byte for byte.
 * Inputs are not changed; memory does not grow with the model.
 *
 * Errors: WEIGHTS_INCOMPATIBLE (every problem), WEIGHTS_NON_FINITE, WEIGHTS_ARGUMENT_INVALID, WEIGHTS_OUTPUT_EXISTS,
 * WEIGHTS_ABORTED, and those of `openModel` and `openDelta`. Run twice, the second run fails with WEIGHTS_OUTPUT_EXISTS.
 */
export async function apply(input: ApplyInput): Promise<ApplyReport> {
  for (const { scale } of input.deltas) assertScale(scale);
  const target = await openModel(input.target);
  const deltas = await Promise.all(
    input.deltas.map(async ({ folder, scale }) => ({ delta: await openDelta(folder), scale })),
  );
  const last = deltas.at(-1)?.delta;
  if (last === undefined) {
    throw new WeightsError(
      'WEIGHTS_ARGUMENT_INVALID',
      'deltas: found none, expected at least one; name a delta folder.',
    );
  }
  const facts = await Promise.all(deltas.map(({ delta }) => readDeltaFacts(`delta ${delta.folder}`, delta)));
  const problems = findProblems(await readFacts('target', target), facts);
  if (problems.length > 0) throw new IncompatibleError(problems);
  const terms = deltas.filter(({ scale }) => scale !== 0);
  const scales = terms.map(({ scale }) => scale);
  const combine: Combine = ([sum = new Float64Array(0), ...others], count) => {
    addScaledInto(sum, others, scales, count);
  };
  return await writeModel({
    ...input,
    target,
    combine,
    operandsOf: (name) => terms.flatMap(({ delta }) => delta.tensors.get(name) ?? []),
    fineTune: { folder: join(last.folder, 'fine-tune'), files: last.fineTuneFiles },
    isMoved: terms.length > 0,
  });
}
