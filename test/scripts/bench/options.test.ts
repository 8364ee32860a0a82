import { describe, expect, it } from 'vitest';
import { parseBenchOptions } from '../../../scripts/bench/options.ts';
import { CASE_IDS } from '../../../scripts/bench/weights/case-ids.ts';

const parse = (line: string) => parseBenchOptions(line.split(' ').filter((word) => word !== ''));

describe('the arguments of the benchmarks', () => {
  it('measures everything five times at full size when nothing else is said', () => {
    expect(parse('weights')).toEqual({
      kind: 'run',
      options: { size: 'full', runs: 5, only: CASE_IDS, json: null, clean: false, folder: null },
    });
    expect(CASE_IDS).toHaveLength(13);
  });

  it('leaves the slow tools out of a small run, and takes them in when they are named', () => {
    const slow = ['mergekit', 'whole-model'];
    const small = { size: 'small', runs: 2, only: CASE_IDS.filter((id) => !slow.includes(id)) };
    expect(parse('weights --size small')).toMatchObject({ kind: 'run', options: small });
    expect(parse('weights --size small --only mergekit,cat')).toMatchObject({ options: { only: ['cat', 'mergekit'] } });
  });

  it('takes every option', () => {
    expect(parse('weights --runs 9 --only cp --json rows.json --folder place --clean')).toEqual({
      kind: 'run',
      options: { size: 'full', runs: 9, only: ['cp'], json: 'rows.json', clean: true, folder: 'place' },
    });
  });

  it('says everything that is wrong at once', () => {
    expect(parse('wheat --size big --runs 0 --only cat,dog')).toEqual({
      kind: 'wrong',
      problems: [
        'found `wheat`, expected one: weights, inference, orchestration.',
        '--size is `big`, expected small or full.',
        '--runs is `0`, expected a whole number of at least 1.',
        `--only names \`dog\`, expected some of ${CASE_IDS.join(', ')}.`,
      ],
    });
  });

  it.each(['', '1.5', 'x', '-1', '1e3', '0x5'])('refuses `%s` as a number of runs', (runs) => {
    expect(parseBenchOptions(['weights', `--runs=${runs}`])).toMatchObject({ kind: 'wrong' });
  });

  it('names an option that it does not know', () => {
    const parsed = parse('weights --quick');
    expect(parsed).toMatchObject({ kind: 'wrong', problems: [expect.stringContaining('--quick')] });
  });

  it('asks for a benchmark when only options are given, and helps when nothing is', () => {
    expect(parse('--size small')).toMatchObject({
      problems: ['no benchmark is named, expected one: weights, inference, orchestration.'],
    });
    expect(parse('')).toEqual({ kind: 'help' });
    expect(parse('weights --help')).toEqual({ kind: 'help' });
  });

  it('has cases and a number of runs of its own for each benchmark', () => {
    const options = { size: 'full', runs: 20, only: ['one', 'many'], json: null, clean: false, folder: null };
    expect(parse('orchestration')).toEqual({ kind: 'run-orchestration', options });
    expect(parse('orchestration --size small --only many')).toMatchObject({ options: { runs: 3, only: ['many'] } });
    expect(parse('orchestration --only cat')).toMatchObject({
      problems: ['--only names `cat`, expected some of one, many.'],
    });
    expect(parse('inference --size small')).toMatchObject({ kind: 'run-inference', options: { runs: 2 } });
    expect(parse('weights orchestration')).toMatchObject({
      problems: ['found `weights orchestration`, expected one: weights, inference, orchestration.'],
    });
  });
});
