import { describe, expect, it } from 'vitest';
import { planText } from '../../../cli/weights/plan-text.ts';
import { planReport } from './engine-reports.ts';

const linesOf = (fields: Parameters<typeof planReport>[0] = {}): readonly string[] =>
  planText('c + λ(a − b), λ = 1', planReport(fields))
    .split('\n')
    .filter((line) => !/^[┌├└│]/.test(line));

describe('a plan for people', () => {
  it('says what moves, in what dtypes, and what it needs', () => {
    expect(linesOf()).toEqual([
      'c + λ(a − b), λ = 1',
      'Tensors by dtype: fine-tune BF16 2, base BF16 2, target F32 1 BF16 1; output F32 2.',
      "Vocabulary: the fine-tune's tokenizer; rows matched by token: 4 moved.",
      'Conflicts: none.',
      'Needed: 4.0 MB of disk; 12.0 MB of memory, and what Node.js takes.',
      'Nothing was written.',
    ]);
    const text = planText('', planReport());
    expect(text).toMatch(/│ moved +│ 6 +│ 75\.0 % +│/);
    expect(text).toMatch(/│ model\.safetensors │ 2\.0 MB │/);
  });

  it('says that the embedding is tied and that the fine-tune is an adapter', () => {
    const dtypes = { ...planReport().dtypes, tuned: null };
    const lines = linesOf({ tied: true, dtypes });
    expect(lines).toContain('The embedding is the head too; Δ is added to it once.');
    expect(lines).toContainEqual(expect.stringContaining('fine-tune an adapter, base BF16 2'));
  });

  it('says how many tensors have which λ where they differ', () => {
    const [a, b] = planReport().tensors;
    const tensors = [a!, b!, { ...b!, scales: [0.5, 2] }, { ...b!, scales: null }];
    expect(linesOf({ tensors })).toContain(
      'Selected: 2 tensors with λ = 1; 1 tensor with λ = 0.5, 2; 1 tensor with no Δ.',
    );
  });

  it('is every problem on its line where it cannot be done', () => {
    const problem = (subject: string) => ({
      ...{ code: 'WEIGHTS_SHAPE_MISMATCH' as const, subject, found: '1', expected: '2', advice: 'mend it' },
      sentence: `${subject}: found 1, expected 2; mend it.`,
    });
    expect(linesOf({ coverage: null, problems: [problem('a'), problem('b')] })).toEqual([
      'c + λ(a − b), λ = 1',
      'Problem: a: found 1, expected 2; mend it.',
      'Problem: b: found 1, expected 2; mend it.',
    ]);
  });
});
