import { UsageError, type CommandContext } from './command.ts';

/** The highest number that a port can have. */
export const LAST_PORT = 65_535;

/** A whole number from an option. @throws UsageError */
export function wholeNumber(
  { options }: Pick<CommandContext, 'options'>,
  name: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  const text = options[name];
  const value = Number(text);
  if (typeof text === 'string' && /^[0-9]+$/.test(text) && value >= least && value <= most) return value;
  const bounds =
    most === Number.MAX_SAFE_INTEGER ? `of at least ${String(least)}` : `from ${String(least)} to ${String(most)}`;
  throw new UsageError(`--${name} is \`${String(text)}\`, expected a whole number ${bounds}.`);
}
