import { describe, expect, it } from 'vitest';
import { lineageSpecSchema, RECIPE_KEYS } from '../../contracts/lineage-spec.schema.ts';
import { SUPERVISION_KEYS } from '../../contracts/supervision-keys.ts';
import { specChanges } from '../../policy/spec-changes.ts';
import { makeSpec, SMALLEST_SPEC } from '../support/lineage-values.ts';

const BEFORE = makeSpec();
const { finetune } = SMALLEST_SPEC;
/** What changes a spec, as `path: when`. */
const whens = (fields: Readonly<Record<string, unknown>>, before = BEFORE): readonly string[] =>
  specChanges(before, makeSpec(fields)).map(({ path, applies }) => `${path}: ${applies}`);

/** A change of every key of the schema, and from when on it counts. A new key has to be decided about here. */
const DECIDED: Readonly<Record<string, readonly [change: Readonly<Record<string, unknown>>, when: readonly string[]]>> =
  {
    name: [{ name: 'other' }, ['name: next release']], // never asked: a name finds its lineage
    family: [
      { family: { ...SMALLEST_SPEC.family, folder: '/elsewhere', pollEvery: '1h' } },
      ['family.folder: now', 'family.pollEvery: now'],
    ],
    strategy: [{ strategy: 'plain' }, ['strategy: next release']],
    controls: [{ controls: ['plain'] }, ['controls: next release']],
    finetune: [
      { finetune: { ...finetune, steps: 200, stallAfter: '1h' } },
      ['finetune.steps: next release', 'finetune.stallAfter: next attempt'],
    ],
    evaluate: [{ evaluate: [{ name: 'words', suite: '/words' }] }, ['evaluate: next release']],
    gate: [{ gate: { approval: 'manual' } }, ['gate: next release']],
    stop: [{ stop: { target: 0.9 } }, ['stop: next release']],
    auto: [{ auto: { scales: [0.5] } }, ['auto.scales: next release']],
    probe: [{ probe: { suite: '/text.txt' } }, ['probe: next release']],
    controlsEvery: [{ controlsEvery: 3 }, ['controlsEvery: next release']],
    backlog: [{ backlog: 'latest' }, ['backlog: now']],
    budget: [
      { budget: { run: { gpuHours: 1 }, lineage: { steps: 1000 } } },
      ['budget.run: next release', 'budget.lineage: now'],
    ],
    priority: [{ priority: 1 }, ['priority: next release']],
    team: [{ team: 'chat' }, ['team: next release']],
    share: [{ share: 2 }, ['share: next release']],
    concurrency: [{ concurrency: 1 }, ['concurrency: next release']],
    publish: [{ publish: [{ folder: '/out' }] }, ['publish: next release']],
  };

describe('specChanges', () => {
  it('has decided about every key of a lineage', () => {
    expect(Object.keys(DECIDED).sort()).toEqual(Object.keys(lineageSpecSchema.shape).sort());
    expect(Object.keys(DECIDED)).toHaveLength(18);
  });

  it.each(Object.entries(DECIDED))('says from when on a change of `%s` counts', (_key, [change, when]) => {
    expect([...whens(change)].sort()).toEqual([...when].sort());
  });

  it('has decided about every key of a fine-tune: what is computed waits, how it is looked after does not', () => {
    const inner = Object.keys(lineageSpecSchema.shape.finetune.shape);
    expect([...RECIPE_KEYS, ...SUPERVISION_KEYS].sort()).toEqual([...inner].sort());
    const at = (key: string): unknown => {
      const after = { ...BEFORE, finetune: { ...BEFORE.finetune, [key]: 'other' } };
      return specChanges(BEFORE, after).map(({ applies }) => applies);
    };
    expect(RECIPE_KEYS.map(at)).toEqual(RECIPE_KEYS.map(() => ['next release']));
    expect(SUPERVISION_KEYS.map(at)).toEqual(SUPERVISION_KEYS.map(() => ['next attempt']));
  });

  it('says nothing where nothing changed, however the keys are ordered', () => {
    expect(specChanges(BEFORE, makeSpec())).toEqual([]);
    const turned = makeSpec(Object.fromEntries(Object.entries(SMALLEST_SPEC).reverse()));
    expect(specChanges(BEFORE, turned)).toEqual([]);
  });

  it('says what was and what will be, null where there is nothing', () => {
    expect(specChanges(makeSpec({ priority: 2 }), makeSpec({ controls: ['plain'], share: 2 }))).toEqual([
      { path: 'controls', from: [], to: ['plain'], applies: 'next release' },
      { path: 'priority', from: 2, to: null, applies: 'next release' },
      { path: 'share', from: null, to: 2, applies: 'next release' },
    ]);
  });

  it('looks into parts that both have, and takes one that is there on one side only as one change', () => {
    const gated = makeSpec({ gate: { nonInferior: { sums: 0.1 } } });
    expect(whens({ gate: { nonInferior: { sums: 0.2 }, alpha: 0.1 } }, gated)).toEqual([
      'gate.nonInferior.sums: next release',
      'gate.alpha: next release',
    ]);
    expect(specChanges(gated, BEFORE)).toMatchObject([{ path: 'gate', to: null }]);
  });

  it('divides a budget that comes or goes as a whole, since its parts count at different times', () => {
    const budget = { run: { gpuHours: 1 }, lineage: { steps: 10 } };
    expect(specChanges(makeSpec({ budget }), BEFORE)).toEqual([
      { path: 'budget.run', from: { gpuHours: 1, then: 'conclude' }, to: null, applies: 'next release' },
      { path: 'budget.lineage', from: { steps: 10, then: 'pause' }, to: null, applies: 'now' },
    ]);
  });

  it('takes another launcher for the next attempt, whatever it is made of', () => {
    expect([...whens({ finetune: { ...finetune, launcher: { slurm: { gpus: 4 } } } })].sort()).toEqual([
      'finetune.launcher.local: next attempt',
      'finetune.launcher.slurm: next attempt',
    ]);
    expect(whens({ finetune: { ...finetune, queue: 'gpu-h100' } })).toEqual(['finetune.queue: next attempt']);
  });

  it('does not take a key for another that begins alike', () => {
    const after = { ...BEFORE, backlogs: 'x' };
    expect(specChanges(BEFORE, after)).toMatchObject([{ path: 'backlogs', applies: 'next release' }]);
  });
});
