import { UsageError, type CommandContext } from './command.ts';

/** A whole number from an option. @throws UsageError */
export function wholeNumber({ options }: CommandContext, name: string, least: number): number {
  const text = options[name];
  const value = Number(text);
  if (typeof text === 'string' && /^[0-9]+$/.test(text) && value >= least) return value;
  throw new UsageError(`--${name} is \`${String(text)}\`, expected a whole number of at least ${String(least)}.`);
}
