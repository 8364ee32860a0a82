import { describe, expect, it } from 'vitest';
import { actionOf, helpOf, parseCommandLine, UsageError, type Command } from '../../cli/command.ts';
import { listOption } from '../../cli/list-option.ts';

const copy: Command = {
  name: 'copy',
  summary: 'Copy a model',
  positionals: ['FROM', '[TO]'],
  options: {
    scale: { type: 'string', value: 'N', help: 'how strongly', default: '1' },
    force: { type: 'boolean', help: 'replace what is there' },
  },
  examples: ['regraft copy a b', 'regraft copy a --scale 2'],
  run: () => Promise.resolve(),
};

const fileList: Command = {
  ...{ name: 'file list', summary: 'List files', positionals: ['FOLDER'], examples: ['regraft file list a'] },
  options: { only: { type: 'string', value: 'P', help: 'these only', repeatable: true } },
  run: () => Promise.resolve(),
};
const fileCount: Command = {
  ...{ name: 'file count', summary: 'Count files', positionals: [], examples: ['regraft file count'] },
  run: () => Promise.resolve(),
};
const file: Command = {
  ...{ name: 'file', summary: 'Work with files', positionals: [], actions: [fileList, fileCount] },
  examples: ['regraft file list a'],
  run: () => Promise.resolve(),
};

/** What is said about a wrong command line. */
function refusal(command: Command, ...args: readonly string[]): string {
  try {
    parseCommandLine(command, args);
  } catch (error) {
    if (error instanceof UsageError && error.code === 'USAGE') return error.message;
    throw error;
  }
  return 'nothing';
}

describe('a command line', () => {
  it('is read into positionals and options, with defaults filled in', () => {
    expect(parseCommandLine(copy, ['a', 'b'])).toEqual({ positionals: ['a', 'b'], options: { scale: '1' } });
    expect(parseCommandLine(copy, ['a', '--scale=2', '--force']).options).toEqual({ scale: '2', force: true });
  });

  it('has options before, between and after its positionals', () => {
    const expected = { positionals: ['a', 'b'], options: { scale: '2', json: true } };
    expect(parseCommandLine(copy, ['--json', '--scale', '2', 'a', 'b'])).toEqual(expected);
    expect(parseCommandLine(copy, ['a', '--json', 'b', '--scale', '2'])).toEqual(expected);
    expect(parseCommandLine(copy, ['a', 'b', '--scale', '2', '--json'])).toEqual(expected);
  });

  it('takes what begins with a dash as a positional after --', () => {
    expect(parseCommandLine(copy, ['--', '--json']).positionals).toEqual(['--json']);
  });

  it('may leave out what is in brackets', () => {
    expect(parseCommandLine(copy, ['a']).positionals).toEqual(['a']);
  });

  it('may leave out everything when it asks for help, also with one letter', () => {
    expect(parseCommandLine(copy, ['--help']).options['help']).toBe(true);
    expect(parseCommandLine(copy, ['-h']).options['help']).toBe(true);
  });

  it.each([
    [[], 'regraft copy: FROM is missing; for example: regraft copy a b'],
    [['a', 'b', 'c', 'd'], 'regraft copy: `c d` is too much; for example: regraft copy a b'],
    [['a', '--sclae', '2'], "regraft copy: Unknown option '--sclae'; `regraft copy --help` lists the options."],
    [['a', '-x'], "regraft copy: Unknown option '-x'; `regraft copy --help` lists the options."],
    [
      ['a', '--scale'],
      "regraft copy: Option '--scale <value>' argument missing; `regraft copy --help` lists the options.",
    ],
    [
      ['a', '--scale', '-1'],
      "regraft copy: Option '--scale' argument is ambiguous; to specify an option argument starting with a dash use '--scale=-XYZ'; `regraft copy --help` lists the options.",
    ],
    [
      ['a', '--force=1'],
      "regraft copy: Option '--force' does not take an argument; `regraft copy --help` lists the options.",
    ],
  ])('%j is refused with a sentence that says what to do', (args, sentence) => {
    expect(refusal(copy, ...args)).toBe(sentence);
  });

  it('names all positionals that are missing', () => {
    const two: Command = { ...copy, positionals: ['NAME', 'RELEASE'] };
    expect(() => parseCommandLine(two, [])).toThrow('NAME and RELEASE are missing');
  });
});

describe('an option that may be repeated', () => {
  it('has all of its values, in order', () => {
    const { options } = parseCommandLine(fileList, ['--only', 'b', 'a', '--only=a', '--only', '']);
    expect(listOption({ options }, 'only')).toEqual(['b', 'a', '']);
  });

  it('has none where it is not given', () => {
    expect(parseCommandLine(fileList, ['a']).options).toEqual({});
  });
});

describe('a command with actions', () => {
  it('takes the first positional for the action, wherever options stand, and the rest for its own', () => {
    const expected = { positionals: ['list', 'a'], options: { only: ['x'], json: true } };
    expect(parseCommandLine(file, ['list', 'a', '--only', 'x', '--json'])).toEqual(expected);
    expect(parseCommandLine(file, ['--json', '--only', 'x', 'list', 'a'])).toEqual(expected);
    expect(parseCommandLine(file, ['list', '--only=x', '--json', 'a'])).toEqual(expected);
    expect(parseCommandLine(file, ['count']).positionals).toEqual(['count']);
  });

  it('needs neither action nor positionals when it is asked for help', () => {
    expect(parseCommandLine(file, ['--help'])).toEqual({ positionals: [], options: { help: true } });
    expect(parseCommandLine(file, ['list', '-h']).options['help']).toBe(true);
  });

  it.each([
    [[], 'regraft file: the action is missing. There are list, count.'],
    [['lst'], 'regraft file: `lst` is no action; did you mean `list`? There are list, count.'],
    [['frobnicate'], 'regraft file: `frobnicate` is no action. There are list, count.'],
    [['list'], 'regraft file list: FOLDER is missing; for example: regraft file list a'],
    [['count', 'a'], 'regraft file count: `a` is too much; for example: regraft file count'],
    [
      ['count', '--only', 'x'],
      "regraft file count: Unknown option '--only'; `regraft file count --help` lists the options.",
    ],
  ])('refuses %j in the name of the action', (args, sentence) => {
    expect(refusal(file, ...args)).toBe(sentence);
  });

  it('finds the action that a word names', () => {
    expect(actionOf(file, 'count')).toBe(fileCount);
    expect(() => actionOf(file, 'file')).toThrow(UsageError);
  });

  it('has one help for itself and its actions', () => {
    expect(helpOf(file).split('\n')).toEqual([
      'Work with files',
      '',
      'Usage: regraft file ACTION [options]',
      '',
      'Actions:',
      '  list FOLDER  List files',
      '  count        Count files',
      '',
      'Options of list:',
      '  --only P                 these only; may be repeated',
      '',
      'Options:',
      '  --home FOLDER            where Regraft keeps everything (default .regraft, or REGRAFT_HOME)',
      '  --json                   answer in JSON',
      '  -h, --help               show this',
      '',
      'Examples:',
      '  regraft file list a',
    ]);
  });
});

describe('the help of a command', () => {
  it('has its summary, its usage, every option with its default, and its examples', () => {
    expect(helpOf(copy).split('\n')).toEqual([
      'Copy a model',
      '',
      'Usage: regraft copy FROM [TO] [options]',
      '',
      'Options:',
      '  --scale N                how strongly (default 1)',
      '  --force                  replace what is there',
      '  --home FOLDER            where Regraft keeps everything (default .regraft, or REGRAFT_HOME)',
      '  --json                   answer in JSON',
      '  -h, --help               show this',
      '',
      'Examples:',
      '  regraft copy a b',
      '  regraft copy a --scale 2',
    ]);
  });
});
