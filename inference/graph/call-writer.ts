import type { Architecture } from '../families/architecture.ts';
import { RopeSource } from '../rope/rope-source.ts';
import { ATTENTION_INPUTS, ropeNames } from './names.ts';

/** The tokens that one call of the graph reads. */
export interface CallTokens {
  readonly rows: number;
  readonly columns: number;
  /** [rows · columns], row after row, padded on the right. */
  readonly inputIds: Int32Array;
  /** [rows], tokens of each row that are in the cache already. */
  readonly starts: readonly number[];
  /** [rows], tokens of each row in this call, at least 1. */
  readonly lengths: ArrayLike<number>;
  /** [rows], length of each row's whole sequence: a dynamic RoPE turns by it. */
  readonly wholeLengths: readonly number[];
  /** [R], flat positions whose next token is looked at. */
  readonly positions: Int32Array;
  /** [R], the token whose probability is asked for there. */
  readonly targets: Int32Array;
}

/** A tensor on its way into the graph. */
export type Feed =
  | { readonly type: 'float32'; readonly data: Float32Array; readonly dims: readonly number[] }
  | { readonly type: 'int32'; readonly data: Int32Array; readonly dims: readonly number[] };

/** The inputs of one call but for the cache. */
export interface CallFeeds {
  readonly feeds: Readonly<Record<string, Feed>>;
  /** Inputs that later calls take as they are, too. */
  readonly kept: Readonly<Record<string, Feed>>;
}

/** Writes the inputs of calls, which must be made in the order in which they were written: later ones rely on what is kept. */
export class CallWriter {
  readonly #ropes: readonly RopeSource[];
  readonly #half: number;

  constructor({ ropes, headSize, positions }: Architecture) {
    this.#ropes = ropes.map((rope) => new RopeSource(rope, headSize, positions));
    this.#half = headSize / 2;
  }

  write({ rows, columns, inputIds, starts, lengths, wholeLengths, positions, targets }: CallTokens): CallFeeds {
    const valid = starts.map((start, row) => start + (lengths[row] ?? 0));
    const total = Math.max(...valid);
    const kept: Record<string, Feed> = {};
    const feeds: Record<string, Feed> = {
      input_ids: { type: 'int32', data: inputIds, dims: [rows, columns] },
      [ATTENTION_INPUTS.lastTokens]: {
        type: 'int32',
        data: Int32Array.from(valid, (count) => count - 1),
        dims: [rows],
      },
      [ATTENTION_INPUTS.total]: { type: 'int32', data: Int32Array.of(total), dims: [] },
      rows: { type: 'int32', data: positions, dims: [positions.length] },
      targets: { type: 'int32', data: targets, dims: [targets.length] },
    };
    const ropeRows = starts.map((start, row) => ({ start, length: wholeLengths[row] ?? 0 }));
    for (const [index, source] of this.#ropes.entries()) {
      const names = ropeNames(index);
      const { table, isKept, lines } = source.linesOf(ropeRows, columns, total);
      feeds[names.lines] = { type: 'int32', data: lines, dims: [rows, columns] };
      if (table === null) continue;
      const home = isKept ? kept : feeds;
      const dims = [table.lines, this.#half];
      home[names.cos] = { type: 'float32', data: table.cos, dims };
      home[names.sin] = { type: 'float32', data: table.sin, dims };
    }
    return { feeds, kept };
  }
}
