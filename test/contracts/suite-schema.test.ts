import { describe, expect, it } from 'vitest';
import { commandResultSchema, samplesDefinitionSchema, scorerSchema } from '../../contracts/suite.schema.ts';

describe('scorerSchema', () => {
  it.each([
    ['exact', { kind: 'exact' }],
    ['numeric', { kind: 'numeric', tolerance: 0 }],
    ['perplexity', { kind: 'perplexity' }],
    [{ numeric: { tolerance: 0.5 } }, { kind: 'numeric', tolerance: 0.5 }],
    [{ regex: { pattern: 'x' } }, { kind: 'regex', pattern: 'x', flags: '', take: 'last' }],
    [
      { 'multiple-choice': { choices: 'options' } },
      { kind: 'multiple-choice', choices: 'options', delimiter: '', normalize: 'none' },
    ],
    [{ perplexity: { contextTokens: 64, stride: 32 } }, { kind: 'perplexity', contextTokens: 64, stride: 32 }],
  ])('reads %j', (written, scorer) => {
    expect(scorerSchema.parse(written)).toEqual(scorer);
  });
});

describe('samplesDefinitionSchema', () => {
  it('reads what suite.yaml had before it had more, with the defaults', () => {
    expect(samplesDefinitionSchema.parse({ name: 'desc', samples: 'samples.jsonl', scorer: 'exact' })).toEqual({
      ...{ name: 'desc', harness: 'onnx', samples: 'samples.jsonl', chat: false, scorer: { kind: 'exact' } },
    });
  });

  it.each([
    ['prompt', 'x'],
    ['chat', true],
    ['fewShot', { count: 1 }],
    ['stop', ['x']],
    ['maxNewTokens', 5],
  ])('refuses %s where perplexity is asked for, which looks at none of it', (key, value) => {
    const definition = { name: 'x', samples: 'x.txt', scorer: 'perplexity' };
    expect(samplesDefinitionSchema.safeParse(definition).success).toBe(true);
    expect(samplesDefinitionSchema.safeParse({ ...definition, [key]: value }).error?.issues).toMatchObject([
      { path: [key], message: 'the scorer perplexity makes no use of it; leave it out' },
    ]);
  });
});

describe('commandResultSchema', () => {
  it('takes an id and an outcome, and fills the rest in', () => {
    expect(commandResultSchema.parse({ id: 7, outcome: 0.5 })).toEqual({
      ...{ id: '7', outcome: 0.5, weight: 1, lossNats: null, answerTokens: 0, answer: null },
    });
  });

  it.each([
    ['no id', { outcome: 1 }],
    ['an empty id', { id: '', outcome: 1 }],
    ['no outcome', { id: 'a' }],
    ['an outcome that is no number', { id: 'a', outcome: '1' }],
    ['an outcome that is not finite', { id: 'a', outcome: Infinity }],
    ['no weight at all', { id: 'a', outcome: 1, weight: 0 }],
    ['a loss over no tokens', { id: 'a', outcome: 1, lossNats: 1 }],
    ['tokens without a loss', { id: 'a', outcome: 1, answerTokens: 3 }],
    ['a key that it does not know', { id: 'a', outcome: 1, score: 1 }],
  ])('refuses %s', (_claim, result) => {
    expect(commandResultSchema.safeParse(result).success).toBe(false);
  });
});
