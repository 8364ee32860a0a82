import { describe, expect, it } from 'vitest';
import { changesText } from '../../../cli/text/changes-text.ts';

describe('changesText', () => {
  it('groups what changes by when it counts, soonest first, a line each', () => {
    expect(
      changesText([
        { path: 'finetune.steps', from: 100, to: 200, applies: 'next release' },
        { path: 'controls', from: [], to: ['plain'], applies: 'next release' },
        { path: 'backlog', from: 'queue', to: 'latest', applies: 'now' },
        { path: 'budget.lineage', from: null, to: { steps: 10 }, applies: 'now' },
        { path: 'finetune.queue', from: 'gpu-h100', to: null, applies: 'next attempt' },
      ]).split('\n'),
    ).toEqual([
      'Counts at once:',
      '  ~ backlog: queue → latest',
      '  + budget.lineage: {"steps":10}',
      'Counts from the next attempt of a training on (a pause and a resume make one):',
      '  - finetune.queue: gpu-h100',
      'Counts from the next release on:',
      '  ~ finetune.steps: 100 → 200',
      '  ~ controls: [] → ["plain"]',
    ]);
  });

  it('says nothing of nothing', () => {
    expect(changesText([])).toBe('');
  });
});
