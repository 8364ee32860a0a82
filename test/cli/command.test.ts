import { describe, expect, it } from 'vitest';
import { helpOf, parseCommandLine, UsageError, type Command } from '../../cli/command.ts';

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

/** What is said about a wrong command line. */
function refusal(...args: readonly string[]): string {
  try {
    parseCommandLine(copy, args);
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
      ['a', '--force=1'],
      "regraft copy: Option '--force' does not take an argument; `regraft copy --help` lists the options.",
    ],
  ])('%j is refused with a sentence that says what to do', (args, sentence) => {
    expect(refusal(...args)).toBe(sentence);
  });

  it('names all positionals that are missing', () => {
    const two: Command = { ...copy, positionals: ['NAME', 'RELEASE'] };
    expect(() => parseCommandLine(two, [])).toThrow('NAME and RELEASE are missing');
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
