import { describe, expect, it } from 'vitest';
import { modelCard, type CardFacts } from '../../policy/model-card.ts';
import { digestOf, makeDecision, makeRelease, makeStep } from '../support/lineage-values.ts';

const facts: CardFacts = {
  key: { lineage: 'tiny-sums', release: 'M2', arm: 'iterative' },
  release: makeRelease(2),
  source: { deltaDigest: digestOf('delta'), fromRelease: 'M1', fromArm: 'iterative', steps: 300 },
  candidate: makeStep(75, { score: 0.875, lossNats: 0.25 }, { suite: 'words', score: 1, lossNats: 0.125 }),
  deltaDigest: digestOf('new delta'),
  gate: makeDecision(),
};

describe('modelCard', () => {
  it('names the base, the Δ, the steps and the model, by digest', () => {
    const card = modelCard(facts);
    expect(card).toContain(`Base: \`M2\`, digest \`${digestOf('M2')}\`, from file:///models/family/M2.`);
    expect(card).toContain(
      `Started from base + Δ of \`M1\` (arm iterative, delta \`${digestOf('delta')}\`, 300 fine-tuning steps carried over), fine-tuned for 75 steps.`,
    );
    expect(card).toContain(`digest \`${facts.candidate.modelDigest}\``);
    expect(card).toContain(`\`${digestOf('new delta')}\``);
  });

  it('has a row for every suite, with samples and harness', () => {
    const card = modelCard(facts);
    expect(card).toContain('| sums | 0.8750 | 0.2500 | 10 | onnx/1 |');
    expect(card).toContain('| words | 1.0000 | 0.1250 | 10 | onnx/1 |');
  });

  it('says that a model was not trained further when step 0 was the best', () => {
    expect(modelCard({ ...facts, candidate: makeStep(0) })).toContain('not trained further.');
  });

  it('says that a first release started from the base itself', () => {
    expect(modelCard({ ...facts, source: null })).toContain('Started from the base itself, fine-tuned for 75 steps.');
  });

  it('opens with front matter that a release name cannot break out of', () => {
    const card = modelCard({ ...facts, release: { ...facts.release, name: 'M"2\n---' } });
    expect(card.split('\n').slice(0, 5)).toEqual([
      '---',
      'base_model: "M\\"2\\n---"',
      'base_model_relation: finetune',
      'tags: [regraft]',
      '---',
    ]);
  });

  it('tells the gate and what recycling does not give', () => {
    const card = modelCard(facts);
    expect(card).toContain('Gate: passed: nothing is published yet.');
    expect(card).toContain('It does not give the new base’s own post-training.');
  });
});
