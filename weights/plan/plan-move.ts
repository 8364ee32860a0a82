import { dtypeBytes, isFloatDtype, type FloatDtype } from '../dtype.ts';
import { isVocabularyTensor } from './canonical-tensors.ts';
import { elementCount, type TensorEntry } from './model.ts';
import type { Selector } from './selection.ts';
import type { RowRule, Segment, VocabularyPlan } from './vocabulary/types.ts';
import type { Delta, Expression, LowRankDelta, Part, PlannedTensor, Source, Term } from './work-plan.ts';

/** A Δ of one tensor, by where it is stored. */
export type StoredDelta =
  | { readonly kind: 'pair'; readonly tuned: TensorEntry; readonly base: TensorEntry }
  | { readonly kind: 'stored'; readonly values: TensorEntry }
  | LowRankDelta;

/** One Δ over all tensors, and its λ in every output. */
export interface MoveTerm {
  readonly scales: readonly number[];
  /** By canonical name; null: this Δ does not touch the tensor. */
  readonly deltaOf: (name: string) => StoredDelta | null;
  /** Where the fine-tune's own values are stored, for the rows of tokens that only it has. */
  readonly ownOf: (name: string) => OwnValues | null;
}

/** A fine-tune's own values of a tensor: stored, or as its base's and a Δ to add to them whole. */
export interface OwnValues {
  readonly values: TensorEntry;
  readonly plus: LowRankDelta | null;
}

/** What a moved model is planned from. */
export interface MoveInput {
  /** The target's tensors by canonical name, in stored order. */
  readonly target: ReadonlyMap<string, TensorEntry>;
  readonly terms: readonly MoveTerm[];
  readonly selector: Selector;
  /** Rows of tensors that have one for every token; null: the target's. */
  readonly vocabulary: VocabularyPlan | null;
  /** An earlier Δ to compare directions with. */
  readonly previous: ReadonlyMap<string, TensorEntry> | null;
  /** What the output is stored as; null: as the target. */
  readonly dtype: FloatDtype | null;
}

/** What became of a tensor's parameters; the four add up to its elements. */
export interface Coverage {
  /** A Δ was added, with a λ that is not 0 in some output. */
  readonly moved: number;
  /** Rows that were matched by token to something else than a difference: the fine-tune's own, or none. */
  readonly mapped: number;
  /** The target's own: not selected, no Δ, λ = 0, or a row that has no counterpart. */
  readonly kept: number;
  /** The target's own, because the spec excludes the tensor. */
  readonly excluded: number;
}

/** An output tensor with everything about it. */
export interface MovedTensor extends PlannedTensor {
  readonly canonicalName: string;
  /** λ in every output; null where the tensor gets no Δ. */
  readonly scales: readonly number[] | null;
  readonly parts: readonly Omit<Part, 'tensor'>[];
  readonly coverage: Coverage;
}

/** Plans every tensor of the target, in its order. Pure; the models have been found compatible. */
export function planMove(input: MoveInput): readonly MovedTensor[] {
  return [...input.target].map(([canonicalName, entry]) => planTensor(input, canonicalName, entry));
}

function planTensor(input: MoveInput, canonicalName: string, entry: TensorEntry): MovedTensor {
  const terms = termsOf(input, canonicalName);
  const dtype = input.dtype !== null && isFloatDtype(entry.dtype) ? input.dtype : entry.dtype;
  const { shape, segments, perRow } = rowsOf(input.vocabulary, canonicalName, entry);
  const previous = isWhole(segments) ? (input.previous?.get(canonicalName) ?? null) : null;
  const fineTune = input.terms.at(-1)?.ownOf(canonicalName) ?? null;
  const outputs = input.terms[0]?.scales.length ?? 1;
  const parts = segments.map((segment) => ({
    count: segment.count * perRow,
    expression: toExpression({ entry, terms, fineTune, previous, segment, perRow, dtype, outputs }),
  }));
  return {
    ...{ name: entry.name, canonicalName, dtype, shape, parts: parts.filter((part) => part.count > 0) },
    scales: terms[0]?.scales ?? null,
    coverage: cover(segments, perRow, {
      isMoved: terms.length > 0,
      isExcluded: input.selector.isExcluded(canonicalName),
    }),
  };
}

function isWhole([first, ...others]: readonly Segment[]): boolean {
  return first?.rule === 'move' && others.length === 0;
}

interface TensorTerm {
  readonly delta: StoredDelta;
  readonly scales: readonly number[];
}

/** What is added to a tensor; without those that are 0 in every output. */
function termsOf({ terms, selector }: MoveInput, canonicalName: string): readonly TensorTerm[] {
  return terms.flatMap(({ scales, deltaOf }): TensorTerm[] => {
    const delta = deltaOf(canonicalName);
    const decided = scales.map((scale) => {
      const decision = selector.decide(canonicalName, scale);
      return decision.kind === 'moved' ? decision.scale : 0;
    });
    return delta === null || decided.every((scale) => scale === 0) ? [] : [{ delta, scales: decided }];
  });
}

interface Rows {
  readonly shape: readonly number[];
  readonly segments: readonly Segment[];
  /** Elements of a row. */
  readonly perRow: number;
}

function rowsOf(vocabulary: VocabularyPlan | null, canonicalName: string, { shape }: TensorEntry): Rows {
  const rows = shape[0] ?? 1;
  const perRow = rows === 0 ? 0 : elementCount(shape) / rows;
  if (vocabulary !== null && vocabulary.rows > 0 && isVocabularyTensor(canonicalName)) {
    return { shape: [vocabulary.rows, ...shape.slice(1)], segments: vocabulary.segments, perRow };
  }
  return { shape, segments: [{ count: rows, rule: 'move', target: 0, tuned: 0, base: 0 }], perRow };
}

function cover(
  segments: readonly Segment[],
  perRow: number,
  { isMoved, isExcluded }: { readonly isMoved: boolean; readonly isExcluded: boolean },
): Coverage {
  const count = (...rules: readonly RowRule[]): number =>
    segments.filter(({ rule }) => rules.includes(rule)).reduce((sum, segment) => sum + segment.count * perRow, 0);
  const own = count('target') + (isMoved ? 0 : count('move'));
  return {
    moved: isMoved ? count('move') : 0,
    mapped: count('tuned', 'zero'),
    kept: isExcluded ? 0 : own,
    excluded: isExcluded ? own : 0,
  };
}

interface SegmentOf {
  readonly entry: TensorEntry;
  readonly terms: readonly TensorTerm[];
  readonly fineTune: OwnValues | null;
  readonly outputs: number;
  readonly previous: TensorEntry | null;
  readonly segment: Segment;
  /** Elements of a row. */
  readonly perRow: number;
  readonly dtype: PlannedTensor['dtype'];
}

function toExpression(of: SegmentOf): Expression {
  const { entry, terms, previous, segment, perRow, dtype } = of;
  const { rule } = segment;
  const target = at(entry, (segment.target ?? 0) * perRow);
  if (rule === 'zero') return { kind: 'zero' };
  if (rule === 'tuned') return toOwnRows(of);
  if (rule === 'target' || terms.length === 0) {
    return dtype === entry.dtype ? { kind: 'copy', source: target } : { kind: 'convert', source: toSource(target) };
  }
  return {
    kind: 'move',
    target: toSource(target),
    terms: terms.map(({ delta, scales }): Term => ({ scales, delta: toDelta(delta, segment, perRow) })),
    previous: previous === null ? null : toSource(previous),
  };
}

/** The fine-tune's rows as they are, whatever λ is. */
export function toOwnRows({
  fineTune,
  segment,
  perRow,
  outputs,
}: Pick<SegmentOf, 'fineTune' | 'segment' | 'perRow' | 'outputs'>): Expression {
  if (fineTune === null) return { kind: 'zero' };
  const source = toSource(at(fineTune.values, (segment.tuned ?? 0) * perRow));
  if (fineTune.plus === null) return { kind: 'convert', source };
  const scales = Array.from({ length: outputs }, () => 1);
  return {
    kind: 'move',
    target: source,
    terms: [{ scales, delta: toDelta(fineTune.plus, segment, perRow) }],
    previous: null,
  };
}

/** A Δ from a row on. */
export function toDelta(delta: StoredDelta, { tuned, base }: Segment, perRow: number): Delta {
  switch (delta.kind) {
    case 'stored':
      return { kind: 'stored', values: toSource(at(delta.values, (tuned ?? 0) * perRow)) };
    case 'pair':
      return {
        kind: 'pair',
        tuned: toSource(at(delta.tuned, (tuned ?? 0) * perRow)),
        base: toSource(at(delta.base, (base ?? 0) * perRow)),
      };
    case 'low-rank':
      return { ...delta, firstRow: tuned ?? 0 };
  }
}

/** The same tensor, from some element on. */
function at(entry: TensorEntry, elements: number): TensorEntry {
  if (elements === 0) return entry;
  return { ...entry, offsetBytes: entry.offsetBytes + elements * dtypeBytes(entry.dtype) };
}

/** A dtype that compatibility has checked. */
export function toSource({ path, name, dtype, offsetBytes }: TensorEntry): Source {
  if (!isFloatDtype(dtype)) throw new TypeError(`tensor ${name} is ${dtype}, which no plan may add`);
  return { path, name, dtype, offsetBytes };
}
