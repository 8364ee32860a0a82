import type { Dtype } from '../dtype.ts';
import { isVocabularyTensor } from './canonical-tensors.ts';
import { planDeltaShards, type DeltaShard } from './delta-layout.ts';
import { elementCount, type TensorEntry } from './model.ts';
import { toDelta, toOwnRows, type OwnValues, type StoredDelta } from './plan-move.ts';
import { serializeHeader } from './serialize-header.ts';
import type { Segment, VocabularyPlan } from './vocabulary/types.ts';
import type { Expression, Part, WorkPlan } from './work-plan.ts';

/** What a delta is planned from. */
export interface DeltaInput {
  /** The base's tensors by canonical name. */
  readonly base: ReadonlyMap<string, TensorEntry>;
  readonly deltaOf: (name: string) => StoredDelta | null;
  readonly ownOf: (name: string) => OwnValues | null;
  /** Rows of the fine-tune, as if it were its own target. */
  readonly vocabulary: VocabularyPlan;
  readonly maxShardBytes: number;
}

/** A planned delta: what is computed, and how its tensors are laid out. */
export interface DeltaPlan {
  readonly work: WorkPlan;
  readonly shards: readonly DeltaShard[];
}

/**
 * Plans Δ over all parameters, with the fine-tune's rows where a tensor has one for every token: a difference where both
 * models have the token, the fine-tune's own row for a token that only it has and for padding that cannot be matched. A tensor
 * that an adapter does not touch is zeros. Pure; the models have been found compatible.
 */
export function planDelta(input: DeltaInput): DeltaPlan {
  const tensors = new Map(
    [...input.base].map(([name, entry]) => {
      const shape = isVocabularyTensor(name) ? [input.vocabulary.rows, ...entry.shape.slice(1)] : entry.shape;
      return [name, { shape, dtypes: dtypesOf(entry, input.deltaOf(name)) }] as const;
    }),
  );
  const shards = planDeltaShards(tensors, input.maxShardBytes);
  const planned = shards.flatMap((shard) => shard.tensors);
  const position = new Map(planned.map(({ name }, index) => [name, index]));
  const work: WorkPlan = {
    tensors: planned.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    files: shards.map(({ fileName, tensors: members }) => ({
      name: fileName,
      header: serializeHeader(members, { format: 'regraft-delta' }),
      parts: members.flatMap(({ name }) => partsOf(input, name, position.get(name) ?? 0)),
    })),
    outputs: 1,
  };
  return { work, shards };
}

function dtypesOf(base: TensorEntry, delta: StoredDelta | null): readonly Dtype[] {
  switch (delta?.kind) {
    case 'pair':
      return [delta.tuned.dtype, delta.base.dtype];
    case 'stored':
      return [delta.values.dtype];
    case 'low-rank':
      return [delta.left.dtype, delta.right.dtype];
    case undefined:
      return [base.dtype];
  }
}

function partsOf(input: DeltaInput, name: string, tensor: number): readonly Part[] {
  const entry = input.base.get(name);
  if (entry === undefined) return [];
  const delta = input.deltaOf(name);
  if (!isVocabularyTensor(name)) {
    const whole = { count: elementCount(entry.shape), rule: 'move', target: 0, tuned: 0, base: 0 } as const;
    return whole.count === 0 ? [] : [{ tensor, count: whole.count, expression: toDifference(delta, whole, 0) }];
  }
  const rows = entry.shape[0] ?? 1;
  const perRow = rows === 0 ? 0 : elementCount(entry.shape) / rows;
  const own = input.ownOf(name);
  let row = 0;
  return input.vocabulary.segments.flatMap((segment): Part[] => {
    const count = segment.count * perRow;
    const ownRows = { ...segment, tuned: row };
    row += segment.count;
    if (count === 0) return [];
    const isDifference = segment.rule === 'move';
    const expression = isDifference
      ? toDifference(delta, segment, perRow)
      : toOwnRows({ fineTune: own, segment: ownRows, perRow, outputs: 1 });
    return [{ tensor, count, expression }];
  });
}

function toDifference(delta: StoredDelta | null, segment: Segment, perRow: number): Expression {
  return delta === null ? { kind: 'zero' } : { kind: 'difference', delta: toDelta(delta, segment, perRow) };
}
