import type { CommandContext } from './command.ts';

/** The values of a repeatable option, in the order given; none when it was not given. */
export function listOption({ options }: Pick<CommandContext, 'options'>, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value.map(String) : [];
}
