import { describe, expect, it } from 'vitest';
import { planVocabulary } from '../../../../weights/plan/vocabulary/plan-vocabulary.ts';
import type { ModelVocabulary, Segment } from '../../../../weights/plan/vocabulary/types.ts';
import { model, planOf } from './vocabularies.ts';

const move = (count: number, target: number, tuned: number, base: number): Segment => ({
  ...{ count, rule: 'move', target, tuned, base },
});
const tuned = (count: number, row: number): Segment => ({
  ...{ count, rule: 'tuned', target: null, tuned: row, base: null },
});
const target = (count: number, row: number): Segment => ({
  ...{ count, rule: 'target', target: row, tuned: null, base: null },
});
const zero = (count: number): Segment => ({ count, rule: 'zero', target: null, tuned: null, base: null });

const words = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `t${String(i)}`);

describe('a vocabulary plan', () => {
  it('moves every row, padding included, where maps and row counts agree', () => {
    const one = model(words(5), 64);
    const plan = planOf({ base: one, tuned: model(words(5), 64), target: one });
    expect(plan).toMatchObject({ rows: 64, segments: [move(64, 0, 0, 0)], appended: [] });
    expect(plan.summary).toMatchObject({ choice: 'fine-tune', matched: 'tokens', moved: 64, padding: 0 });
  });

  it('does not mind in which order a file lists its tokens', () => {
    const plan = planOf({ base: model({ a: 0, b: 1 }), tuned: model({ b: 1, a: 0 }), target: model({ a: 0, b: 1 }) });
    expect(plan.segments).toEqual([move(2, 0, 0, 0)]);
  });

  it('carries a <pad> and a resize to a multiple of 8, the usual fine-tune, with its tokenizer', () => {
    const plan = planOf(
      { base: model(words(32)), tuned: model([...words(32), '<pad>'], 40), target: model(words(32)) },
      ['<pad>'],
    );
    expect(plan).toMatchObject({ rows: 40, segments: [move(32, 0, 0, 0), tuned(8, 32)], appended: [] });
    expect(plan.summary).toMatchObject({ choice: 'fine-tune', moved: 32, fromTuned: 8, padding: 7, changed: 0 });
    expect(plan.summary.names.fromTuned).toEqual(['<pad>']);
  });

  it('keeps the padding of a target that has more of it than the others', () => {
    const plan = planOf({ base: model(words(60)), tuned: model(words(60)), target: model(words(60), 64) });
    expect(plan).toMatchObject({ rows: 64, segments: [move(60, 0, 0, 0), target(4, 60)] });
    expect(plan.summary).toMatchObject({ kept: 4, padding: 4, names: { kept: [] } });
  });

  it('keeps the rows that a grown target adds, with its tokenizer', () => {
    const plan = planOf({
      base: model(words(4)),
      tuned: model(words(4)),
      target: model([...words(4), 'new', 'newer']),
    });
    expect(plan.segments).toEqual([move(4, 0, 0, 0), target(2, 4)]);
    expect(plan.summary).toMatchObject({ choice: 'target', kept: 2, names: { kept: ['new', 'newer'] }, changed: 0 });
  });

  it('leaves out and names what a shrunk target no longer has', () => {
    const plan = planOf({ base: model(words(9)), tuned: model(words(9)), target: model(words(3)) });
    expect(plan).toMatchObject({ rows: 3, segments: [move(3, 0, 0, 0)] });
    expect(plan.summary).toMatchObject({
      choice: 'target',
      dropped: 6,
      names: { dropped: ['t3', 't4', 't5', 't6', 't7'] },
    });
  });

  it('follows every token to its row in a reordered target', () => {
    const plan = planOf({
      base: model(['a', 'b', 'c']),
      tuned: model(['a', 'b', 'c']),
      target: model(['c', 'a', 'b']),
    });
    expect(plan.segments).toEqual([move(1, 0, 2, 2), move(2, 1, 0, 0)]);
    expect(plan.summary).toMatchObject({ choice: 'target', moved: 3, changed: 3 });
    expect(plan.summary.changedIds[0]).toEqual({ token: 'c', from: 2, to: 0 });
  });

  it("appends the fine-tune's added tokens into the padding rows of a grown target", () => {
    const chat = ['<user>', '<bot>'];
    const plan = planOf(
      { base: model(words(4), 64), tuned: model([...words(4), ...chat], 64), target: model([...words(4), 'x'], 64) },
      chat,
    );
    expect(plan.rows).toBe(64);
    expect(plan.segments).toEqual([move(4, 0, 0, 0), target(1, 4), tuned(2, 4), target(57, 7)]);
    expect(plan.appended).toEqual([
      { token: '<user>', from: 4, to: 5 },
      { token: '<bot>', from: 5, to: 6 },
    ]);
    expect(plan.summary).toMatchObject({ choice: 'target', fromTuned: 2, kept: 58, padding: 57, changed: 2 });
  });

  it.each([
    [128, 256],
    [192, 256],
    [96, 128],
    [48, 64],
    [40, 48],
    [41, 42],
  ])('grows a full target of %i rows to %i, its own multiple, for one token more', (rows, grown) => {
    const full = model(['x', ...words(rows - 1)]);
    const plan = planOf({ base: model(words(4)), tuned: model([...words(4), '<pad>']), target: full }, ['<pad>']);
    expect(plan.rows).toBe(grown);
    expect(plan.segments.at(-1)).toEqual(grown - rows === 1 ? tuned(1, 4) : zero(grown - rows - 1));
  });

  it("fills a grown matrix with the fine-tune's padding, but never with the row of a token", () => {
    const plan = planOf(
      { base: model(['a']), tuned: model(['a', ...words(8), '<pad>'], 24), target: model({ x: 0, a: 7 }, 8) },
      [...words(8), '<pad>'],
    );
    expect(plan.rows).toBe(24);
    expect(plan.segments.slice(-2)).toEqual([tuned(9, 1), tuned(7, 17)]);
    const full = planOf(
      { base: model(['a']), tuned: model({ a: 0, '<pad>': 9 }, 16), target: model({ x: 0, a: 7 }, 8) },
      ['<pad>'],
    );
    expect(full.segments.slice(-3)).toEqual([tuned(1, 9), zero(1), tuned(6, 10)]);
  });

  it('takes the row of a chat token that the target has already from the target', () => {
    const chat = [...words(4), '<chat>'];
    const plan = planOf({ base: model(words(4)), tuned: model(chat), target: model(chat) }, ['<chat>']);
    expect(plan.segments).toEqual([move(4, 0, 0, 0), target(1, 4)]);
    expect(plan.summary).toMatchObject({ choice: 'fine-tune', kept: 1, names: { kept: ['<chat>'] } });
  });

  it('appends a reserved token that the fine-tune renamed, and keeps what the target reserves', () => {
    const plan = planOf({ base: model(['a', '<r0>']), tuned: model(['a', '<user>']), target: model(['a', '<r0>']) }, [
      '<user>',
    ]);
    expect(plan.segments).toEqual([move(1, 0, 0, 0), target(1, 1), tuned(1, 1)]);
  });

  it('appends an added token of base and fine-tune that the target gave up', () => {
    const plan = planOf({ base: model(['a', '<s>']), tuned: model(['a', '<s>']), target: model(['b', 'a']) }, ['<s>']);
    expect(plan.segments).toEqual([target(1, 0), move(1, 1, 0, 0), tuned(1, 1)]);
    expect(plan.summary.dropped).toBe(0);
  });

  it('gives no row to a token that lies beyond the matrix of its own model', () => {
    const plan = planOf({ base: model(words(4)), tuned: model([...words(4), '<pad>'], 4), target: model(words(4)) }, [
      '<pad>',
    ]);
    expect(plan).toMatchObject({ rows: 4, segments: [move(4, 0, 0, 0)] });
  });

  it('grows for a token that the target numbers beyond its matrix and the fine-tune has a row of', () => {
    const plan = planOf({ base: model(['a']), tuned: model(['a', '<pad>']), target: model(['b', 'a', '<pad>'], 2) }, [
      '<pad>',
    ]);
    expect(plan).toMatchObject({ rows: 3, appended: [], segments: [target(1, 0), move(1, 1, 0, 0), tuned(1, 1)] });
  });

  it('does not grow for a token that no model has a row of', () => {
    const plan = planOf(
      { base: model(['a']), tuned: model(['a', '<pad>'], 1), target: model(['b', 'a', '<pad>'], 2) },
      ['<pad>'],
    );
    expect(plan).toMatchObject({ rows: 2, segments: [target(1, 0), move(1, 1, 0, 0)] });
  });

  it('gives an appended token without a row of its own zeros', () => {
    const plan = planOf({ base: model(['a']), tuned: model(['a', '<pad>'], 1), target: model(['b', 'a']) }, ['<pad>']);
    expect(plan.segments.at(-1)).toEqual(zero(1));
    expect(plan.summary).toMatchObject({ zero: 1, fromTuned: 0 });
  });
});

describe('there is no vocabulary plan', () => {
  const none = (rows: number): ModelVocabulary => ({ vocabulary: { kind: 'none' }, rows });
  const files = (digest: string, rows: number): ModelVocabulary => ({ vocabulary: { kind: 'files', digest }, rows });
  const outcome = (
    base: ModelVocabulary,
    one: ModelVocabulary,
    other: ModelVocabulary,
    added: readonly string[] = [],
  ) => planVocabulary({ base, tuned: one, target: other, addedTokens: new Set(added) });

  it('where the fine-tune extended the model vocabulary and the target has another tokenizer', () => {
    const result = outcome(model(['a']), model(['a', ...words(6), '<x>']), model(['b', 'a']), ['<x>']);
    expect(result).toMatchObject({ kind: 'problems', problems: [{ code: 'WEIGHTS_VOCABULARY_MISMATCH' }] });
    expect(result.kind === 'problems' && result.problems[0]!.sentence).toBe(
      'tuned: tokenizer: found 6 tokens of its own in the model vocabulary: "t0", "t1", "t2", "t3", "t4", …, ' +
        "expected added tokens only, because the target's tokenizer differs and is the one that is kept; " +
        'make them added tokens, or choose a target with the tokenizer of the base.',
    );
  });

  it('but for models without any tokenizer and with as many rows, which are matched by position', () => {
    expect(outcome(none(7), none(7), none(7))).toMatchObject({
      plan: { rows: 7, segments: [move(7, 0, 0, 0)], summary: { matched: 'position' } },
    });
    expect(outcome(none(7), none(8), none(9))).toMatchObject({
      problems: [
        { subject: 'tuned: vocabulary rows', found: '8' },
        { subject: 'target: vocabulary rows', found: '9' },
      ],
    });
  });

  it('but for the same vocabulary files and as many rows, which are matched by position', () => {
    expect(outcome(files('d', 7), files('d', 7), files('d', 7))).toMatchObject({ plan: { rows: 7 } });
    expect(outcome(files('d', 7), files('d', 7), files('e', 7))).toMatchObject({
      problems: [{ subject: 'target: tokenizer', advice: expect.stringContaining('save a tokenizer.json') }],
    });
    expect(outcome(files('d', 7), files('d', 7), files('d', 8))).toMatchObject({ kind: 'problems' });
  });

  it('where one model says what its rows mean and another does not', () => {
    const problems = {
      kind: 'problems',
      problems: [{ found: 'no tokenizer', expected: 'a tokenizer.json as in base' }],
    };
    expect(outcome(model(['a']), model(['a']), none(1))).toMatchObject(problems);
    expect(outcome(model(['a']), none(1), model(['a']))).toMatchObject(problems);
    expect(outcome(none(1), model(['a']), none(1))).toMatchObject({ kind: 'problems' });
  });

  it('where an id of the target would make a matrix of unreasonable size', () => {
    const result = outcome(model(['a']), model(['a', '<x>']), model({ b: 0, a: 2 ** 40 }, 2), ['<x>']);
    expect(result).toMatchObject({ problems: [{ subject: 'target: tokenizer' }] });
  });
});
