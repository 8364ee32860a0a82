import { UsageError } from '../command.ts';

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A λ from an option. @throws UsageError */
export function readScale(option: string, text: string): number {
  const value = scaleOf(text);
  if (value !== null) return value;
  throw new UsageError(`${option} is \`${text}\`, expected a number such as 1, 0.5 or -0.25.`);
}

/** A λ for some tensors, written PATTERN=SCALE; the last `=` parts them. @throws UsageError */
export function readPatternScale(option: string, text: string): { readonly pattern: string; readonly scale: number } {
  const { before, scale } = splitAtLast(text);
  if (before !== '' && scale !== null) return { pattern: before, scale };
  throw new UsageError(`${option} is \`${text}\`, expected PATTERN=SCALE such as 'model\\.layers\\..*=0.5'.`);
}

/**
 * A delta folder and its λ, written FOLDER or FOLDER=SCALE; λ is 1 unless given. A folder whose own name ends in `=` and a
 * number needs its λ written out. @throws UsageError
 */
export function readDeltaTerm(option: string, text: string): { readonly folder: string; readonly scale: number } {
  const { before, scale } = splitAtLast(text);
  const term = scale === null ? { folder: text, scale: 1 } : { folder: before, scale };
  if (term.folder !== '') return term;
  throw new UsageError(`${option} is \`${text}\`, expected FOLDER or FOLDER=SCALE such as deltas/may=0.5.`);
}

function splitAtLast(text: string): { readonly before: string; readonly scale: number | null } {
  const at = text.lastIndexOf('=');
  return at < 0 ? { before: '', scale: null } : { before: text.slice(0, at), scale: scaleOf(text.slice(at + 1)) };
}

/** Null for what is no finite decimal number. */
function scaleOf(text: string): number | null {
  const value = DECIMAL.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? value : null;
}
