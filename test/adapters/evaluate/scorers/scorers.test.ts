import { describe, expect, it } from 'vitest';
import { answerText } from '../../../../adapters/evaluate/answer-text.ts';
import { choose } from '../../../../adapters/evaluate/scorers/choose.ts';
import { cutAtStop } from '../../../../adapters/evaluate/scorers/cut-at-stop.ts';
import { judgeAnswer } from '../../../../adapters/evaluate/scorers/judge-answer.ts';
import { lastNumber } from '../../../../adapters/evaluate/scorers/last-number.ts';
import type { Scorer } from '../../../../contracts/suite.schema.ts';

type Regex = Extract<Scorer, { kind: 'regex' }>;
const regex = (settings: Partial<Regex>): Regex => ({
  ...{ kind: 'regex', pattern: 'x', flags: '', take: 'last', group: undefined },
  ...settings,
});

describe('lastNumber', () => {
  it.each([
    ['the answer is 42.', 42],
    ['42', 42],
    ['#### 1,234,567', 1_234_567],
    ['1,234.50 €', 1234.5],
    ['12,34', 34],
    ['1,2345', 2345],
    ["1'000'000 francs", 1_000_000],
    ['1_000', 1000],
    ['12\u202f000 km', 12_000],
    ['costs $5 and then -$7.25', -7.25],
    ['x = -3', -3],
    ['= \u22123', -3],
    ['-3', -3],
    ['5-3', 3],
    ['(5)-3', 3],
    ['x-3', 3],
    ['- 3', -3],
    ['5 - 3', -3],
    ['75%', 75],
    ['12kg', 12],
    ['.5', 0.5],
    ['3.', 3],
    ['1e3', 1000],
    ['2.5E-1 m', 0.25],
    ['1/2', 2],
    ['first 3, then 4 and last 5', 5],
    ['0042', 42],
    ['none', null],
    ['', null],
  ])('of `%s` is %s', (text, expected) => {
    expect(lastNumber(text)).toBe(expected);
  });
});

describe('judgeAnswer', () => {
  it.each([
    ['the same', 'cat', 'cat', true],
    ['spaces around', ' cat\n', 'cat ', true],
    ['another word', 'cats', 'cat', false],
    ['another case', 'Cat', 'cat', false],
    ['nothing', '', 'cat', false],
  ])('exact: %s', (_claim, written, answer, right) => {
    expect(judgeAnswer({ kind: 'exact' }, written, answer)).toBe(right);
  });

  it.each([
    ['the last number', 'first 3, so 4', '4', 0, true],
    ['a number before the last', 'it is 4, not 3', '4', 0, false],
    ['another way to write it', '$1,000.00', '1000', 0, true],
    ['a reasoned reference answer', '18', '9 * 2 = 18\n#### 18', 0, true],
    ['within the tolerance', '3.14', '3.1416', 0.002, true],
    ['at the tolerance', '3', '2.5', 0.5, true],
    ['out of the tolerance', '3.1', '3.1416', 0.002, false],
    ['no number written', 'many', '4', 0, false],
    ['no number expected', '4', 'many', 1000, false],
  ])('numeric: %s', (_claim, written, answer, tolerance, right) => {
    expect(judgeAnswer({ kind: 'numeric', tolerance }, written, answer)).toBe(right);
  });

  it.each([
    ['the whole match without a group', { pattern: '[A-D]' }, 'I say B', 'B', true],
    ['the first group', { pattern: 'answer is \\(?([A-D])' }, 'the answer is (C).', 'C', true],
    ['the last match', { pattern: '[A-D]' }, 'A or B', 'B', true],
    ['the first match where asked for', { pattern: '[A-D]', take: 'first' as const }, 'A or B', 'A', true],
    ['a group by number', { pattern: '(a)(b)', group: 2 }, 'ab', 'b', true],
    ['a group by name', { pattern: '(?<who>\\w+) wins', group: 'who' }, 'red wins', 'red', true],
    ['a group that took no part', { pattern: '(a)|b', group: 1 }, 'b', 'b', false],
    ['flags', { pattern: 'yes', flags: 'i' }, 'YES', 'YES', true],
    ['the reference searched too', { pattern: '#### (\\d+)' }, 'so #### 7', 'because\n#### 7', true],
    ['no match', { pattern: '#### (\\d+)' }, '7', '7', false],
    ['another answer', { pattern: '#### (\\d+)' }, '#### 8', '7', false],
  ])('regex: %s', (_claim, settings, written, answer, right) => {
    expect(judgeAnswer(regex(settings), written, answer)).toBe(right);
  });
});

describe('choose', () => {
  const choices = [
    { text: 'ab', logLikelihoodNats: -3 },
    { text: 'abcdefgh', logLikelihoodNats: -4 },
    { text: '🙂', logLikelihoodNats: -3 },
  ];

  it('takes the likeliest, the first of equals', () => {
    expect(choose(choices, 'none')).toBe(0);
    expect(choose([...choices].reverse(), 'none')).toBe(0);
  });

  it('takes the likeliest a character when lengths are to count, an emoji being one', () => {
    expect(choose(choices, 'length')).toBe(1);
    expect(choose([{ text: 'ab', logLikelihoodNats: -3.2 }, choices[2]!], 'length')).toBe(0);
  });
});

describe('cutAtStop', () => {
  it('ends the text where the first stop text begins', () => {
    expect(cutAtStop('one\n\nQ: two;', [';', '\n\n'])).toBe('one');
    expect(cutAtStop('one', [';'])).toBe('one');
    expect(cutAtStop(';one', [';'])).toBe('');
    expect(cutAtStop('one;', [])).toBe('one;');
  });
});

describe('answerText', () => {
  it('keeps 2,000 characters and no half of one', () => {
    expect(answerText('short')).toBe('short');
    expect(answerText('x'.repeat(2001))).toHaveLength(2000);
    expect(answerText(`${'x'.repeat(1999)}🙂`)).toBe('x'.repeat(1999));
  });
});
