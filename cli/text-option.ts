import type { CommandContext } from './command.ts';

/** The value of a string option; undefined when it was not given. */
export function textOption({ options }: Pick<CommandContext, 'options'>, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}
