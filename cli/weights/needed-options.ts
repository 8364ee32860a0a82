import { UsageError, type Command, type CommandContext } from '../command.ts';
import { listOption } from '../list-option.ts';
import { textOption } from '../text-option.ts';

/** The values of options (of repeatable ones, the first) without which a command cannot work. @throws UsageError naming all that are missing. */
export function neededOptions<Name extends string>(
  context: Pick<CommandContext, 'options'>,
  command: Pick<Command, 'name' | 'examples'>,
  names: readonly Name[],
): Readonly<Record<Name, string>> {
  const values = names.map((name) => [name, textOption(context, name) ?? listOption(context, name)[0] ?? ''] as const);
  const missing = values.filter(([, value]) => value === '').map(([name]) => `--${name}`);
  if (missing.length > 0)
    throw new UsageError(
      `regraft ${command.name}: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing; for example: ${command.examples[0] ?? ''}`,
    );
  return Object.fromEntries(values) as Record<Name, string>; // one entry for every name
}
