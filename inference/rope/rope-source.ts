import type { RopeConfig } from './rope-config.ts';
import { ropeTable, type RopeTable } from './rope-table.ts';

/** What a row of a call reads: `columns` positions from `start` on, of a sequence that is `length` long in the end. */
export interface RopeRow {
  readonly start: number;
  readonly length: number;
}

/** A table, and which of its lines each token of a call turns by. */
export interface RopeLines {
  /** Null: the table that was given before, and is to be kept, does. */
  readonly table: RopeTable | null;
  /** Whether the table serves later calls too, and replaces the one before. */
  readonly isKept: boolean;
  /** [rows · columns]. */
  readonly lines: Int32Array;
}

const FIRST_LINES = 256;

/**
 * Gives each call the rotations that it needs. One table serves all calls and is doubled when outgrown, because a model may
 * allow far more positions than are ever used. A dynamic RoPE turns a sequence beyond its trained positions by frequencies of
 * that sequence's own length: such a call gets a table of its own.
 */
export class RopeSource {
  readonly #rope: RopeConfig;
  readonly #headSize: number;
  readonly #positions: number;
  #kept = 0;

  /** `positions` is the longest sequence. */
  constructor(rope: RopeConfig, headSize: number, positions: number) {
    this.#rope = rope;
    this.#headSize = headSize;
    this.#positions = rope.type === 'dynamic' ? rope.originalPositions : positions;
  }

  /** `total` is the fewest lines that the table must have. */
  linesOf(rows: readonly RopeRow[], columns: number, total: number): RopeLines {
    const isOwn = rows.some(({ length }) => length > this.#positions);
    const lines = new Int32Array(rows.length * columns);
    rows.forEach(({ start }, row) => {
      const first = isOwn ? row * columns : start;
      for (let column = 0; column < columns; column += 1) lines[row * columns + column] = first + column;
    });
    if (isOwn) return { table: this.#own(rows, columns, total), isKept: false, lines };
    return { table: this.#outgrown(total), isKept: true, lines };
  }

  #own(rows: readonly RopeRow[], columns: number, total: number): RopeTable {
    const spans = rows.map(({ start, length }, row) => {
      return { firstLine: row * columns, firstPosition: start, count: columns, length };
    });
    return ropeTable(this.#rope, this.#headSize, Math.max(total, rows.length * columns), spans);
  }

  #outgrown(total: number): RopeTable | null {
    if (total <= this.#kept) return null;
    this.#kept = Math.min(Math.max(FIRST_LINES, total, this.#kept * 2), Math.max(this.#positions, total));
    const span = { firstLine: 0, firstPosition: 0, count: this.#kept, length: 1 };
    return ropeTable(this.#rope, this.#headSize, this.#kept, [span]);
  }
}
