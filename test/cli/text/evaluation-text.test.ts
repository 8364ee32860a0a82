import { describe, expect, it } from 'vitest';
import { evaluationText, perplexityOf } from '../../../cli/text/evaluation-text.ts';
import type { EvaluatedFolder } from '../../../workers/evaluate.ts';
import { digestOf } from '../../support/lineage-values.ts';

type Sample = EvaluatedFolder['samples'][number];

const sample = (id: string, more: Partial<Sample> = {}): Sample => ({
  ...{ id, outcome: 0, weight: 1, lossNats: null, answerTokens: 0, answer: null, ...more },
});

function evaluated(samples: readonly Sample[], more: Partial<EvaluatedFolder> = {}): EvaluatedFolder {
  return {
    model: 'models/m',
    suite: {
      ...{ kind: 'samples', name: 'sums', digest: digestOf('suite'), unit: 'share', scorer: { kind: 'exact' } },
      ...{ stop: [], maxNewTokens: 1 },
      samples: [
        { id: 'a', prompt: `${'examples '.repeat(9)}\n1+1=`, answer: '2', choices: null },
        { id: 'b', prompt: [{ role: 'user', content: '1+2=' }], answer: '3', choices: null },
      ],
    },
    harness: { name: 'onnx', version: '2', digest: digestOf('harness') },
    score: 0.5,
    interval: { low: 0.0945, high: 0.9055, method: 'wilson' },
    lossNats: null,
    samples,
    ...more,
  };
}

const rowsOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('│'))
    .map((line) => line.replace(/ +/g, ' '));

describe('evaluationText', () => {
  it('says the score, how sure it is, and by what it was found', () => {
    const text = evaluationText(evaluated([sample('a', { outcome: 1 }), sample('b')]), 1.26);
    expect(text.split('\n').slice(0, 5)).toEqual([
      'model    models/m',
      `suite    sums, 2 samples, digest ${digestOf('suite').slice(0, 12)}`,
      `harness  onnx 2, digest ${digestOf('harness').slice(0, 12)}`,
      'score    0.500, 1 of 2 right; 95 % interval 0.095 to 0.905 (Wilson)',
      'took     1.3 s',
    ]);
  });

  it('shows what is wrong, with what was asked last, expected and answered', () => {
    const text = evaluationText(evaluated([sample('a', { answer: '1\n' }), sample('b', { answer: '' })]), 1);
    expect(text).toContain('Wrong, the furthest from right first (2 of 2):');
    expect(rowsOf(text)).toEqual([
      '│ id │ asked │ expected │ answered │',
      '│ a │ …s examples examples examples \\n1+1= │ 2 │ 1\\n │',
      '│ b │ 1+2= │ 3 │ (nothing) │',
    ]);
  });

  it('has the highest loss first, five at most, and no table when all is right', () => {
    const losses = [1, 7, 3, 5, 2, 6].map((lossNats, index) => sample(String(index), { lossNats, answerTokens: 2 }));
    const text = evaluationText(evaluated(losses, { lossNats: 4 }), 1);
    expect(text).toContain('loss     4.0000 nats a token, 12 tokens');
    expect(text).toContain('(5 of 6)');
    expect(rowsOf(text).slice(1)).toEqual(
      [7, 6, 5, 3, 2].map((loss) => `│ ${String([1, 7, 3, 5, 2, 6].indexOf(loss))} │ ${String(loss)}.000 │`),
    );
    expect(evaluationText(evaluated([sample('a', { outcome: 1 })]), 1)).not.toContain('Wrong');
  });

  it('has the perplexity of a text, and its least likely windows', () => {
    const suite: EvaluatedFolder['suite'] = {
      ...{ kind: 'text', name: 'wiki', digest: digestOf('t'), unit: 'nats', contextTokens: 8, stride: null },
      ...{ windows: null, documents: [{ id: null, text: 'abc' }] },
    };
    const windows = [
      sample('0', { outcome: -1, lossNats: 1, answerTokens: 8 }),
      sample('1', { outcome: -3, lossNats: 3, answerTokens: 8 }),
    ];
    const value = evaluated(windows, { suite, score: -2, lossNats: 2, interval: null });
    const text = evaluationText(value, 1);
    expect(text).toContain('score       -2.000, nats a token; every sample scored the same');
    expect(text).toContain('perplexity  7.3891');
    expect(text).toContain('Least likely first (2 of 2):');
    expect(rowsOf(text)).toEqual(['│ window │ loss │ tokens │', '│ 1 │ 3.000 │ 8 │', '│ 0 │ 1.000 │ 8 │']);
    expect(perplexityOf(value)).toBeCloseTo(Math.exp(2), 12);
    expect(perplexityOf(evaluated([], { lossNats: 2 }))).toBeNull();
  });

  it('shows documents by their texts, and outcomes between wrong and right', () => {
    const suite: EvaluatedFolder['suite'] = {
      ...{ kind: 'text', name: 'docs', digest: digestOf('t'), unit: 'nats', contextTokens: 8, stride: null },
      ...{
        windows: null,
        documents: [
          { id: 'x', text: 'first "words"' },
          { id: 'y', text: '🙂'.repeat(50) },
        ],
      },
    };
    const documents = ['x', 'y'].map((id) => sample(id, { outcome: -1, lossNats: 1, answerTokens: 4 }));
    expect(rowsOf(evaluationText(evaluated(documents, { suite }), 1)).slice(1)).toEqual([
      '│ x │ first "words" │ 1.000 │ 4 │',
      `│ y │ ${'🙂'.repeat(35)}… │ 1.000 │ 4 │`,
    ]);
    const partly = evaluationText(evaluated([sample('a', { outcome: 0.25 }), sample('b')]), 1);
    expect(rowsOf(partly)[2]).toContain('0.250');
  });
});
