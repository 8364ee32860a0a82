import { createLookup } from './create-lookup.ts';

/** A model's tokens, and how many rows there are to hold them. */
export interface Tokens {
  readonly tokens: ReadonlyMap<string, number>;
  readonly rows: number;
}

/** Whether two maps hold the same tokens at the same rows, in whatever order; stops at the first difference. */
export function sameTokens(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): boolean {
  if (one === other) return true;
  if (one.size !== other.size) return false;
  const rowOf = createLookup(other);
  for (const [token, row] of one) if (rowOf(token) !== row) return false;
  return true;
}
