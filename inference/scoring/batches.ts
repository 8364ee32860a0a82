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
  readonly inputIds: BigInt64Array;
  /** [rows], valid tokens of each row, at least 1. */
  readonly lengths: Int32Array;
  /** [R], flat positions whose next token is scored; segment after segment. */
  readonly positions: BigInt64Array;
  /** [R], the token expected after each of them. */
  readonly targets: BigInt64Array;
}

export interface BatchLimits {
  /** Most padded tokens of a batch; a single segment may exceed it. */
  readonly tokens: number;
  /** Most scored positions of a batch, at least 1; never exceeded. */
  readonly targets: number;
}

/**
 * Groups requests of like length, shortest first. A continuation longer than `limits.targets` is scored in several
 * segments, each given all that precedes it. The same requests and limits give the same batches.
 */
export function planBatches(requests: readonly ScoreRequest[], limits: BatchLimits): readonly Batch[] {
  const segments = requests.flatMap((request, index) => toSegments(request, index, limits.targets));
  const rows = segments.map((segment) => toRow(segment, requests[segment.request]));
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
  return groups.map(toBatch);
}

interface Row {
  readonly segment: Segment;
  /** Everything before the last target. */
  readonly inputs: readonly number[];
  readonly targets: readonly number[];
}

function toSegments({ continuation }: ScoreRequest, request: number, most: number): readonly Segment[] {
  const count = Math.ceil(continuation.length / most);
  return Array.from({ length: count }, (_, index) => {
    return { request, start: index * most, end: Math.min((index + 1) * most, continuation.length) };
  });
}

function toRow(segment: Segment, request: ScoreRequest | undefined): Row {
  const { prompt, continuation } = request ?? { prompt: [], continuation: [] };
  const inputs = [...prompt, ...continuation.slice(0, segment.end - 1)];
  return { segment, inputs, targets: continuation.slice(segment.start, segment.end) };
}

function toBatch(rows: readonly Row[]): Batch {
  const columns = Math.max(...rows.map(({ inputs }) => inputs.length));
  const inputIds = new BigInt64Array(rows.length * columns);
  const positions: bigint[] = [];
  const targets: bigint[] = [];
  for (const [index, row] of rows.entries()) {
    inputIds.set(row.inputs.map(BigInt), index * columns);
    const first = index * columns + row.inputs.length - row.targets.length;
    for (const [offset, target] of row.targets.entries()) {
      positions.push(BigInt(first + offset));
      targets.push(BigInt(target));
    }
  }
  return {
    segments: rows.map(({ segment }) => segment),
    rows: rows.length,
    columns,
    inputIds,
    lengths: Int32Array.from(rows, ({ inputs }) => inputs.length),
    positions: BigInt64Array.from(positions),
    targets: BigInt64Array.from(targets),
  };
}
