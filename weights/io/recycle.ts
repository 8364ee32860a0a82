import { addScaledInto, subtractInto } from '../ops/combine-kernel.ts';
import { assertScale } from '../plan/assert-scale.ts';
import { canonicalTensors } from '../plan/canonical-tensors.ts';
import { findProblems } from '../plan/compatibility.ts';
import { IncompatibleError } from '../plan/problem.ts';
import { FINE_TUNE_FILES } from '../plan/sidecars.ts';
import { openModel } from './open-model.ts';
import { readFacts } from './read-facts.ts';
import type { Combine } from './stream-tensor.ts';
import { writeModel, type ApplyReport } from './write-model.ts';
import type { WorkOptions } from './write-tensors.ts';

/** Three model folders, λ, and where the new model goes. */
export interface RecycleInput extends WorkOptions {
  readonly target: string;
  readonly tuned: string;
  readonly base: string;
  /** λ; 1 is the paper's. */
  readonly scale: number;
  /** A folder that does not exist yet. */
  readonly out: string;
}

/**
 * target + λ(tuned − base) in one pass, with no Δ on disk: float64 throughout, rounded once, to nearest even, to the
 * target's dtypes. (By way of a stored Δ there is one more rounding, to F32.) Otherwise as `apply`: what comes from whom,
 * ties, memory, errors, and what happens if it runs twice.
 */
export async function recycle(input: RecycleInput): Promise<ApplyReport> {
  assertScale(input.scale);
  const target = await openModel(input.target);
  const tuned = await openModel(input.tuned);
  const base = await openModel(input.base);
  const problems = findProblems(await readFacts('base', base), [
    await readFacts('tuned', tuned),
    await readFacts('target', target),
  ]);
  if (problems.length > 0) throw new IncompatibleError(problems);
  const minuends = canonicalTensors(tuned.tensors, tuned.tieWordEmbeddings).byName;
  const subtrahends = canonicalTensors(base.tensors, base.tieWordEmbeddings).byName;
  const isMoved = input.scale !== 0;
  const combine: Combine = ([sum = NONE, minuend = NONE, subtrahend = NONE], count) => {
    if (!isMoved) return;
    subtractInto(minuend, subtrahend, count, 'F64');
    addScaledInto(sum, [minuend], [input.scale], count);
  };
  return await writeModel({
    ...input,
    target,
    combine,
    operandsOf: (name) => (isMoved ? [minuends, subtrahends].flatMap((tensors) => tensors.get(name) ?? []) : []),
    fineTune: { folder: tuned.folder, files: FINE_TUNE_FILES.filter((name) => tuned.files.includes(name)) },
    isMoved,
  });
}

const NONE = new Float64Array(0); // too short for any tensor, so that a missing operand cannot pass unseen
