import type { ScoreRequest } from './request.ts';

/** A run of continuation tokens of one request that is scored in one call. */
export interface Segment {
  /** Index of the request. */
  readonly request: number;
  /** First continuation token of this segment. */
  readonly start: number;
  /** One after its last continuation token. */
  readonly end: number;
}

/** One call of the graph: rows padded on the right, and which positions are scored. */
export interface Batch {
  /** One a row. */
  readonly segments: readonly Segment[];
  readonly rows: number;
  readonly columns: number;
  /** [rows · columns], row after row, padded with 0. */
  readonly inputIds: Int32Array;
  /** [rows], tokens of each row that an earlier batch read; not 0 only where `room` is a number. */
  readonly starts: readonly number[];
  /**
   * Null: nothing is kept of what is read. A number: this is a part of one long request, whose parts follow one another and
   * keep what they read in a cache with room for so many tokens; a new one begins where `starts` is 0.
   */
  readonly room: number | null;
  /** [rows], valid tokens of each row, at least 1. */
  readonly lengths: Int32Array;
  /** [rows], tokens that each row's whole request reads, those of its other parts included. */
  readonly wholeLengths: readonly number[];
  /** [R], flat positions whose next token is scored; segment after segment. */
  readonly positions: Int32Array;
  /** [R], the token expected after each of them. */
  readonly targets: Int32Array;
}

export interface BatchLimits {
  /** Most padded tokens of a batch; a single segment may exceed it. */
  readonly tokens: number;
  /** Most scored positions of a batch, at least 1; never exceeded. */
  readonly targets: number;
}

/**
 * Groups requests of like length, shortest first. A continuation longer than `limits.targets` goes alone and in parts, after all
 * others. The same requests and limits give the same batches.
 */
export function planBatches(requests: readonly ScoreRequest[], limits: BatchLimits): readonly Batch[] {
  const isLong = ({ continuation }: ScoreRequest): boolean => continuation.length > limits.targets;
  const parts = requests.flatMap((request, index) => (isLong(request) ? toParts(request, index, limits.targets) : []));
  const rows = requests.flatMap((request, index) =>
    isLong(request) ? [] : toRow(request, { request: index, start: 0, end: request.continuation.length }),
  );
  rows.sort((left, right) => left.inputs.length - right.inputs.length); // stable: ties keep the requests' order
  const groups: Row[][] = [];
  let targets = 0;
  for (const row of rows) {
    const group = groups.at(-1);
    targets += row.targets.length;
    const fits = group !== undefined && (group.length + 1) * row.inputs.length <= limits.tokens;
    if (fits && targets <= limits.targets) {
      group.push(row);
    } else {
      groups.push([row]);
      targets = row.targets.length;
    }
  }
  return [...groups.map((group) => toBatch(group, null)), ...parts];
}

interface Row {
  readonly segment: Segment;
  /** Tokens that were read before. */
  readonly start: number;
  /** From there, everything before the last target. */
  readonly inputs: readonly number[];
  readonly targets: readonly number[];
  readonly wholeLength: number;
}

function toParts(request: ScoreRequest, index: number, most: number): readonly Batch[] {
  const { length } = request.continuation;
  return Array.from({ length: Math.ceil(length / most) }, (_, part) => {
    const segment = { request: index, start: part * most, end: Math.min((part + 1) * most, length) };
    const row = toRow(request, segment);
    return toBatch([row], row.wholeLength);
  });
}

function toRow({ prompt, continuation }: ScoreRequest, segment: Segment): Row {
  const start = segment.start === 0 ? 0 : prompt.length + segment.start - 1;
  const before = segment.start === 0 ? prompt : continuation.slice(segment.start - 1, segment.start);
  return {
    segment,
    start,
    inputs: [...before, ...continuation.slice(segment.start, segment.end - 1)],
    targets: continuation.slice(segment.start, segment.end),
    wholeLength: prompt.length + continuation.length - 1,
  };
}

function toBatch(rows: readonly Row[], room: number | null): Batch {
  const columns = Math.max(...rows.map(({ inputs }) => inputs.length));
  const inputIds = new Int32Array(rows.length * columns);
  const positions: number[] = [];
  const targets: number[] = [];
  for (const [index, row] of rows.entries()) {
    inputIds.set(row.inputs, index * columns);
    const first = index * columns + row.inputs.length - row.targets.length;
    for (const [offset, target] of row.targets.entries()) {
      positions.push(first + offset);
      targets.push(target);
    }
  }
  return {
    segments: rows.map(({ segment }) => segment),
    rows: rows.length,
    columns,
    inputIds,
    starts: rows.map(({ start }) => start),
    room,
    lengths: Int32Array.from(rows, ({ inputs }) => inputs.length),
    wholeLengths: rows.map(({ wholeLength }) => wholeLength),
    positions: Int32Array.from(positions),
    targets: Int32Array.from(targets),
  };
}
