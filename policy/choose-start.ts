import type {
  AutoSpec,
  MeasuredLevel,
  MeasuredMerge,
  StartChoice,
  StartMeasurements,
} from '../contracts/choice.schema.ts';

/** Standard errors that tell two levels apart: a one-sided 95 %. Both are taken as independent, which is cautious. */
const TELLS_APART = 1.645;

/** A merge with a model and a score. */
interface UsableMerge extends MeasuredMerge {
  readonly modelDigest: string;
  readonly level: MeasuredLevel;
}

/**
 * What the strategy `auto` does at a release, from measurements alone:
 *
 * 1. Publish the best merge that passes the gate, reaches the level of the old fine-tune and is over the new base:
 *    nothing is trained. (With `whenBaseIsStronger: finetune` not where the base has outgrown the old fine-tune: its level
 *    says little then about what training would reach.)
 * 2. Skip where the new base is better than the old fine-tune beyond noise, unless the spec says to fine-tune all the same.
 * 3. Else fine-tune, from the merge whose λ is nearest to 1 if any is permitted, from the base if none is.
 *
 * A low score of a merge forbids nothing: in the paper (Tables 3 and 4) the merges that scored under the base all made
 * better fine-tunes than the base did, and among merges the score at step 0 does not tell which start ends best; λ = 1 is the
 * only one with evidence. Only non-finite weights, a failed compatibility check or a wrong base forbid. Why, with the
 * numbers: docs/evaluation.md.
 */
export function chooseStart(measurements: StartMeasurements, auto: Pick<AutoSpec, 'whenBaseIsStronger'>): StartChoice {
  const { base, merges, oldFinetune } = measurements;
  const usable = merges.filter(isUsable);
  const outgrown = oldFinetune !== null && isStronger(base.level, oldFinetune.level);
  const mayPublish = !outgrown || auto.whenBaseIsStronger === 'skip';
  const ready = mayPublish ? bestReady(usable, measurements) : null;
  if (ready !== null) {
    return {
      kind: 'publish-merge',
      scale: ready.scale,
      modelDigest: ready.modelDigest,
      reason: `${sayMerge(ready)} passes the gate, reaches the ${say(oldFinetune?.level)} of ${oldFinetune?.release ?? ''}'s fine-tune and is over the base's ${say(base.level)}: it needs no training`,
      measurements,
    };
  }
  if (outgrown && auto.whenBaseIsStronger === 'skip') {
    return {
      kind: 'skip',
      reason: `the base ${base.release} scores ${say(base.level)}, more than the ${say(oldFinetune.level)} of ${oldFinetune.release}'s fine-tune beyond noise: there is nothing to carry over; set auto.whenBaseIsStronger: finetune to train all the same`,
      measurements,
    };
  }
  const start = nearestToOne(usable);
  if (start !== null) {
    return {
      kind: 'finetune',
      scale: start.scale,
      modelDigest: start.modelDigest,
      reason: `fine-tune from ${sayMerge(start)}; ${sayWhyNotPublished(start, measurements)}; ${sayBeside(start, base.level)}`,
      measurements,
    };
  }
  return {
    kind: 'finetune',
    scale: null,
    modelDigest: base.modelDigest,
    reason: `fine-tune from the base ${base.release} at ${say(base.level)}: ${sayNoMerge(merges)}`,
    measurements,
  };
}

function isUsable(merge: MeasuredMerge): merge is UsableMerge {
  return merge.forbidden === null && merge.modelDigest !== null && merge.level !== null;
}

function isStronger(one: MeasuredLevel, other: MeasuredLevel): boolean {
  const noise = Math.hypot(one.standardError ?? 0, other.standardError ?? 0);
  return one.score - other.score > TELLS_APART * noise;
}

function bestReady(merges: readonly UsableMerge[], { base, oldFinetune }: StartMeasurements): UsableMerge | null {
  if (oldFinetune === null) return null;
  const ready = merges.filter(
    ({ gate, level }) => gate === 'pass' && level.score >= oldFinetune.level.score && level.score > base.level.score,
  );
  return ready.reduce<UsableMerge | null>((best, merge) => {
    if (best === null || merge.level.score > best.level.score) return merge;
    return merge.level.score === best.level.score && isNearer(merge, best) ? merge : best;
  }, null);
}

function nearestToOne(merges: readonly UsableMerge[]): UsableMerge | null {
  return merges.reduce<UsableMerge | null>(
    (best, merge) => (best === null || isNearer(merge, best) ? merge : best),
    null,
  );
}

function isNearer(one: UsableMerge, other: UsableMerge): boolean {
  return Math.abs(one.scale - 1) < Math.abs(other.scale - 1);
}

function say(level: MeasuredLevel | undefined): string {
  return level === undefined ? '' : level.score.toFixed(3);
}

function sayMerge({ scale, level }: UsableMerge): string {
  return `the merge with λ = ${String(scale)} at ${say(level)}`;
}

function sayWhyNotPublished({ gate, level }: UsableMerge, { base, oldFinetune }: StartMeasurements): string {
  if (gate === null) return 'it was not judged by a gate';
  if (gate === 'reject') return 'it does not pass the gate as it stands';
  if (oldFinetune === null) return 'the level of the old fine-tune is not known';
  if (level.score < oldFinetune.level.score) {
    return `it is under the ${say(oldFinetune.level)} of ${oldFinetune.release}'s fine-tune`;
  }
  if (level.score <= base.level.score) return `it is not over the base's ${say(base.level)}`;
  return `the base's ${say(base.level)} is over the ${say(oldFinetune.level)} of ${oldFinetune.release}'s fine-tune, so training should reach more`;
}

function sayBeside({ level }: UsableMerge, base: MeasuredLevel): string {
  const beside = `the base is at ${say(base)}`;
  return level.score < base.score ? `${beside}, and a low score of a merge forbids nothing` : beside;
}

function sayNoMerge(merges: readonly MeasuredMerge[]): string {
  if (merges.length === 0) return 'there is no older Δ to add';
  const reasons = [...new Set(merges.map(({ forbidden }) => forbidden ?? 'not measured'))];
  return `no merge can be a start (${reasons.join(', ')})`;
}
