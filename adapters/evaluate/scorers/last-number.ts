/** Digits, grouped by threes or not, with decimals and a power of ten; or decimals alone. */
const NUMBER =
  /(?:\d{1,3}(?:[,_'\u00a0\u2009\u202f]\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?/g;
/** A minus that belongs to the number behind it, a currency in between: not the one of `5-3`, nor the dash of `x-3`. */
const MINUS = /(?:^|[^\p{L}\p{N})\]])[-\u2212][ ]?\p{Sc}?$/u;

/**
 * The last number in a text, whatever stands around it (units, percent signs, currencies, a full stop); null when there is
 * none. Groups of three digits may be divided by a comma, an apostrophe, an underscore or a narrow space; a fraction `1/2` is
 * two numbers.
 */
export function lastNumber(text: string): number | null {
  const match = [...text.matchAll(NUMBER)].at(-1);
  if (match === undefined) return null;
  const value = Number(match[0].replace(/[^\d.eE+-]/g, ''));
  return MINUS.test(text.slice(0, match.index)) ? -value : value;
}
