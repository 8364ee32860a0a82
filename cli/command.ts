import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearestWord } from '../configs/nearest-word.ts';
import { messageOf, RegraftError } from '../contracts/error.ts';

/** An option of a command: what node:util's parseArgs takes, and what the help says. */
export interface OptionDefinition {
  readonly type: 'string' | 'boolean';
  readonly help: string;
  /** One letter that means the same. */
  readonly short?: string;
  /** Shown for a string's value, e.g. FILE. */
  readonly value?: string;
  readonly default?: string;
  /** May be given more than once; `listOption` reads the values. Strings only. */
  readonly repeatable?: boolean;
}

/** Values of options by name, without the dashes; an array for an option that may be repeated. */
export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What a command gets to work with. */
export interface CommandContext {
  readonly positionals: readonly string[];
  readonly options: OptionValues;
  readonly json: boolean;
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Prints a line for people, or the value as JSON with --json. */
  readonly answer: (text: string, value: unknown) => void;
  /** Prints a line of progress to people; nothing with --json. */
  readonly say: (text: string) => void;
}

/** A command as data; the work is loaded when it is called. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Names of the positionals: `NAME` is needed, `[NAME]` is not. */
  readonly positionals: readonly string[];
  readonly options?: Readonly<Record<string, OptionDefinition>>;
  /** Whole command lines that work. */
  readonly examples: readonly string[];
  /** Commands of its own, each named `NAME ACTION`; the first positional says which. Such a command has no options itself. */
  readonly actions?: readonly Command[];
  readonly run: (context: CommandContext) => Promise<void>;
}

/** The command line was wrong: exit code 2. */
export class UsageError extends RegraftError {
  constructor(message: string) {
    super('USAGE', message);
  }
}

/** Options that every command has. */
const COMMON_OPTIONS: Readonly<Record<string, OptionDefinition>> = {
  home: { type: 'string', value: 'FOLDER', help: 'where Regraft keeps everything (default .regraft, or REGRAFT_HOME)' },
  json: { type: 'boolean', help: 'answer in JSON' },
  help: { type: 'boolean', short: 'h', help: 'show this' },
};

/** A person stopped the command in good order: neither wrong usage nor a failure, and a shell's loop around it has to notice. */
export class InterruptedError extends RegraftError {}

export interface ParsedCommandLine {
  readonly positionals: readonly string[];
  readonly options: OptionValues;
}

/** Reads a command's arguments, those of one of its actions included. @throws UsageError naming what is wrong. */
export function parseCommandLine(command: Command, args: readonly string[]): ParsedCommandLine {
  return command.actions === undefined ? parseOwn(command, args) : parseOfAction(command, command.actions, args);
}

function parseOwn(command: Command, args: readonly string[]): ParsedCommandLine {
  const options = parserOptions({ ...COMMON_OPTIONS, ...command.options });
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(
      `regraft ${command.name}: ${inOneSentence(messageOf(error))}; \`regraft ${command.name} --help\` lists the options.`,
    );
  }
  const values = Object.entries(parsed.values).map(
    ([name, value]) => [name, Array.isArray(value) ? value.map(String) : value] as const,
  );
  if (parsed.values['help'] !== true) assertPositionals(command, parsed.positionals);
  return { positionals: parsed.positionals, options: Object.fromEntries(values) };
}

/** Node says too much of what it takes for a positional, and says on three lines how a value begins with a dash. */
function inOneSentence(why: string): string {
  const [said = why] = why.split('. To specify');
  return said.replace(/\.\n.*\nTo specify/, '; to specify').replace(/\.$/, '');
}

function parserOptions(
  definitions: Readonly<Record<string, OptionDefinition>>,
): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    Object.entries(definitions).map(([name, { type, short, default: fallback, repeatable = false }]) => [
      name,
      {
        ...{ type, multiple: repeatable },
        ...(short !== undefined && { short }),
        ...(fallback !== undefined && { default: fallback }),
      },
    ]),
  );
}

/** The action is the first positional, wherever options stand; the rest of the line is the action's. */
function parseOfAction(command: Command, actions: readonly Command[], args: readonly string[]): ParsedCommandLine {
  const definitions = actions.flatMap((action) => Object.entries(action.options ?? {}));
  const options = parserOptions({ ...Object.fromEntries(definitions), ...COMMON_OPTIONS });
  const { tokens, values } = parseArgs({
    ...{ args: [...args], options, allowPositionals: true, strict: false, tokens: true },
  });
  const word = tokens.find((token) => token.kind === 'positional');
  if (word === undefined && values['help'] === true) return { positionals: [], options: { help: true } };
  const action = actionOf(command, word?.value);
  const parsed = parseOwn(
    action,
    args.filter((_, index) => index !== word?.index),
  );
  return { ...parsed, positionals: [wordOf(command, action), ...parsed.positionals] };
}

/** The action of a command that a word names. @throws UsageError naming those that there are. */
export function actionOf(command: Command, word: string | undefined): Command {
  const actions = command.actions ?? [];
  const words = actions.map((action) => wordOf(command, action));
  const found = actions.find((action) => wordOf(command, action) === word);
  if (found !== undefined) return found;
  const there = `There are ${words.join(', ')}.`;
  if (word === undefined) throw new UsageError(`regraft ${command.name}: the action is missing. ${there}`);
  const nearest = nearestWord(word, words);
  const meant = nearest === null ? '.' : `; did you mean \`${nearest}\`?`;
  throw new UsageError(`regraft ${command.name}: \`${word}\` is no action${meant} ${there}`);
}

function wordOf(command: Command, action: Command): string {
  return action.name.slice(command.name.length + 1);
}

function assertPositionals(command: Command, found: readonly string[]): void {
  const needed = command.positionals.filter((name) => !name.startsWith('['));
  const missing = needed.slice(found.length);
  const extra = found.slice(command.positionals.length);
  if (missing.length > 0)
    throw new UsageError(
      `regraft ${command.name}: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing; for example: ${command.examples[0] ?? ''}`,
    );
  if (extra.length > 0)
    throw new UsageError(
      `regraft ${command.name}: \`${extra.join(' ')}\` is too much; for example: ${command.examples[0] ?? ''}`,
    );
}

/** The help text of one command, with all its actions. */
export function helpOf(command: Command): string {
  const { actions = [] } = command;
  const usage = actions.length > 0 ? [command.name, 'ACTION'] : [command.name, ...command.positionals];
  const own = actions.length > 0 ? COMMON_OPTIONS : { ...command.options, ...COMMON_OPTIONS };
  return [
    ...[command.summary, '', `Usage: regraft ${usage.join(' ')} [options]`, ''],
    ...actionLines(command, actions),
    ...['Options:', ...optionLines(own), ''],
    ...['Examples:', ...command.examples.map((example) => `  ${example}`)],
  ].join('\n');
}

function actionLines(command: Command, actions: readonly Command[]): readonly string[] {
  if (actions.length === 0) return [];
  const usages = actions.map((action) => [wordOf(command, action), ...action.positionals].join(' '));
  const width = Math.max(...usages.map((usage) => usage.length));
  const overview = actions.map(({ summary }, index) => `  ${(usages[index] ?? '').padEnd(width)}  ${summary}`);
  const options = actions.flatMap((action) => {
    const lines = optionLines(action.options ?? {});
    return lines.length === 0 ? [] : [`Options of ${wordOf(command, action)}:`, ...lines, ''];
  });
  return ['Actions:', ...overview, '', ...options];
}

function optionLines(definitions: Readonly<Record<string, OptionDefinition>>): readonly string[] {
  return Object.entries(definitions).map(([name, { value, short, help, default: fallback, repeatable }]) => {
    const flag = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
    const again = repeatable === true ? '; may be repeated' : '';
    return `  ${flag.padEnd(24)} ${help}${again}${fallback === undefined ? '' : ` (default ${fallback})`}`;
  });
}
