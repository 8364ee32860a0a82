import { parseArgs, type ParseArgsConfig } from 'node:util';
import { RegraftError } from '../contracts/error.ts';

/** An option of a command: what node:util's parseArgs takes, and what the help says. */
export interface OptionDefinition {
  readonly type: 'string' | 'boolean';
  readonly help: string;
  /** One letter that means the same. */
  readonly short?: string;
  /** Shown for a string's value, e.g. FILE. */
  readonly value?: string;
  readonly default?: string;
}

/** What a command gets to work with. */
export interface CommandContext {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
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

export interface ParsedCommandLine {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** Reads a command's arguments. @throws UsageError naming what is wrong. */
export function parseCommandLine(command: Command, args: readonly string[]): ParsedCommandLine {
  const definitions = { ...COMMON_OPTIONS, ...command.options };
  const options: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(
    Object.entries(definitions).map(([name, { type, short, default: fallback }]) => [
      name,
      { type, ...(short !== undefined && { short }), ...(fallback !== undefined && { default: fallback }) },
    ]),
  );
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `regraft ${command.name}: ${why.split('. To specify')[0] ?? why}; \`regraft ${command.name} --help\` lists the options.`,
    );
  }
  const values = Object.entries(parsed.values).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'boolean' ? [[name, value] as const] : [],
  );
  if (parsed.values['help'] !== true) assertPositionals(command, parsed.positionals);
  return { positionals: parsed.positionals, options: Object.fromEntries(values) };
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

/** The help text of one command. */
export function helpOf(command: Command): string {
  const definitions = { ...command.options, ...COMMON_OPTIONS };
  const rows = Object.entries(definitions).map(([name, { value, short, help, default: fallback }]) => {
    const flag = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
    return `  ${flag.padEnd(24)} ${help}${fallback === undefined ? '' : ` (default ${fallback})`}`;
  });
  return [
    command.summary,
    '',
    `Usage: regraft ${[command.name, ...command.positionals].join(' ')} [options]`,
    '',
    'Options:',
    ...rows,
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
  ].join('\n');
}
