import type { CallTokens } from '../graph/call-writer.ts';
import type { Text } from './text.ts';

/** Whole prompts, padded on the right to the longest; the token after each is looked at. */
export function prompts(rows: readonly (readonly number[])[]): CallTokens {
  const columns = Math.max(...rows.map(({ length }) => length));
  const inputIds = new Int32Array(rows.length * columns);
  for (const [row, tokens] of rows.entries()) inputIds.set(tokens, row * columns);
  const lengths = rows.map(({ length }) => length);
  return {
    rows: rows.length,
    columns,
    inputIds,
    starts: rows.map(() => 0),
    lengths,
    wholeLengths: lengths,
    ...lookedAt(lengths.map((length, row) => row * columns + length - 1)),
  };
}

/** Some of one prompt's tokens, after those before them; the token after the last is looked at. */
export function promptChunk(prompt: readonly number[], start: number, end: number): CallTokens {
  return {
    rows: 1,
    columns: end - start,
    inputIds: Int32Array.from(prompt.slice(start, end)),
    starts: [start],
    lengths: [end - start],
    wholeLengths: [prompt.length],
    ...lookedAt([end - start - 1]),
  };
}

/** The newest token of each text. */
export function oneTokenEach(texts: readonly Text[]): CallTokens {
  const starts = texts.map(({ readTokens }) => readTokens);
  return {
    rows: texts.length,
    columns: 1,
    inputIds: Int32Array.from(texts, ({ newest }) => newest),
    starts,
    lengths: texts.map(() => 1),
    wholeLengths: starts.map((start) => start + 1),
    ...lookedAt(texts.map((_, row) => row)),
  };
}

/** Of any target, the probability tells whether all of them are numbers. */
function lookedAt(positions: readonly number[]): Pick<CallTokens, 'positions' | 'targets'> {
  return { positions: Int32Array.from(positions), targets: new Int32Array(positions.length) };
}
