import path from 'node:path';
import { nearestWord } from '../configs/nearest-word.ts';
import { isCodedError, messageOf } from '../contracts/error.ts';
import {
  actionOf,
  helpOf,
  InterruptedError,
  parseCommandLine,
  UsageError,
  type Command,
  type CommandContext,
  type OptionValues,
} from './command.ts';
import { COMMANDS } from './commands/index.ts';

/** Runs one command line; resolves to the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export async function main(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json');
  try {
    return await dispatch(argv);
  } catch (error) {
    printError(error, json);
    return exitCodeOf(error);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return 2;
  return error instanceof InterruptedError ? 130 : 1;
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const [name, ...args] = commandFirst(argv);
  if (name === undefined || name === '--help' || name === '-h') {
    console.log(overview());
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) throw unknownCommand(name);
  const { positionals, options } = parseCommandLine(command, args);
  if (options['help'] === true) {
    const [word] = positionals;
    console.log(helpOf(command.actions === undefined || word === undefined ? command : actionOf(command, word)));
    return 0;
  }
  await command.run(contextOf(positionals, options));
  return 0;
}

/** `--json` may come before the command too, and `help COMMAND` means `COMMAND --help`. */
function commandFirst(argv: readonly string[]): readonly string[] {
  const [first, ...rest] = argv;
  if (first === '--json' && rest.length > 0) return [...commandFirst(rest), first];
  return first === 'help' ? [...rest, '--help'] : argv;
}

function contextOf(positionals: readonly string[], options: OptionValues): CommandContext {
  const json = options['json'] === true;
  const home = typeof options['home'] === 'string' ? options['home'] : process.env['REGRAFT_HOME'] || '.regraft';
  return {
    positionals,
    options,
    json,
    home: path.resolve(home),
    environment: process.env,
    answer: (text, value) => {
      console.log(json ? JSON.stringify(value, null, 2) : text);
    },
    say: (text) => {
      if (!json) console.log(text);
    },
  };
}

function unknownCommand(name: string): UsageError {
  const names = COMMANDS.map((command) => command.name);
  const nearest = nearestWord(name, names);
  const meant = nearest === null ? '' : `; did you mean \`${nearest}\`?`;
  return new UsageError(`\`${name}\` is no command${meant === '' ? '.' : meant} There are ${names.join(', ')}.`);
}

function overview(): string {
  const width = Math.max(...COMMANDS.map((command: Command) => command.name.length));
  return [
    'Regraft keeps your fine-tune on the newest base model.',
    '',
    'Usage: regraft COMMAND [options]      regraft COMMAND --help shows options and examples',
    '',
    ...COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
  ].join('\n');
}

function printError(error: unknown, json: boolean): void {
  const coded = isCodedError(error) ? error : null;
  const code = coded?.code ?? 'UNEXPECTED';
  if (json)
    console.error(JSON.stringify({ error: { code, message: messageOf(error), details: coded?.details ?? {} } }));
  else if (coded === null && error instanceof Error) console.error(error.stack ?? error.message);
  else console.error(`${messageOf(error)} [${code}]`);
}
