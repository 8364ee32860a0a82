import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import { concludeRelease, endArm, observeRelease, startRelease } from '../../policy/lineage/life.ts';
import { createLineage } from '../../policy/lineage/state.ts';
import { planLineage } from '../../workers/plan.ts';
import { startHubDouble } from '../support/hub-double.ts';
import { AT, digestOf, makeRelease, makeResult, makeSpec } from '../support/lineage-values.ts';
import { bitsTensor, f32Tensor, singleFile, temporaryFolder, writeModelFolder } from '../support/safetensors.ts';

/** A lineage whose data are all there, over a family without releases; fields given override. */
async function makeLineage(fields: Readonly<Record<string, unknown>> = {}): Promise<LineageSpec> {
  const root = await temporaryFolder();
  const suite = path.join(root, 'suites', 'sums');
  await mkdir(suite, { recursive: true });
  await mkdir(path.join(root, 'family'));
  await writeFile(path.join(root, 'train.jsonl'), '{"prompt": "1+1=", "completion": "2"}\n');
  await writeFile(path.join(suite, 'suite.yaml'), 'name: sums\nsamples: samples.jsonl\nscorer: exact\n');
  await writeFile(path.join(suite, 'samples.jsonl'), '{"prompt": "2+2=", "completion": "4"}\n');
  return makeSpec({
    family: { folder: path.join(root, 'family'), names: 'M{release}', order: ['release'] },
    finetune: { dataset: path.join(root, 'train.jsonl'), steps: 100, learningRate: 1e-3, batchSize: 8, saveEvery: 25 },
    evaluate: [{ name: 'sums', suite }],
    ...fields,
  });
}

function folderOf({ family: { folder = '' } }: LineageSpec): string {
  return folder;
}

/** A release of so many parameters in the family's folder. */
async function dropRelease(spec: LineageSpec, name: string, values = 4): Promise<void> {
  const weights = f32Tensor(
    'w',
    Array.from({ length: values }, (_, index) => index),
  );
  await writeModelFolder(path.join(folderOf(spec), name), singleFile(weights));
}

describe('the plan of a lineage', () => {
  it('has the releases in the family’s order, with their parameters and sizes', async () => {
    const spec = await makeLineage();
    await dropRelease(spec, 'M10', 6);
    await dropRelease(spec, 'M9', 5);
    await dropRelease(spec, 'M2', 4);
    const { releases, blockers, lineage } = await planLineage(spec);
    expect(lineage).toBe('tiny-sums');
    expect(releases.map(({ name, position, parameters }) => [name, position, parameters])).toEqual([
      ['M2', [2], 4],
      ['M9', [9], 5],
      ['M10', [10], 6],
    ]);
    const [first, second] = releases.map(({ sizeBytes }) => sizeBytes);
    expect((second ?? 0) - (first ?? 0)).toBe(4); // one float32 more
    expect(blockers).toEqual([]);
  });

  it('names complete models that do not follow the pattern, and says nothing of what is no complete model', async () => {
    const spec = await makeLineage();
    await dropRelease(spec, 'M1');
    await dropRelease(spec, 'M2-backup');
    await dropRelease(spec, 'scratch');
    await dropRelease(spec, '.M3');
    await mkdir(path.join(folderOf(spec), 'M4'));
    await writeFile(path.join(folderOf(spec), 'notes.txt'), 'M5');
    const { releases, ignored } = await planLineage(spec);
    expect(releases.map(({ name }) => name)).toEqual(['M1']);
    const why = 'the name does not follow `M{release}`';
    expect(ignored.toSorted((left, right) => (left.name < right.name ? -1 : 1))).toEqual([
      { name: 'M2-backup', why },
      { name: 'scratch', why },
    ]);
  });

  it.each([
    ['plain', [], [1, 1, 1]],
    ['iterative', [], [1, 1, 1]],
    ['iterative', ['plain'], [1, 2, 2]],
    ['direct', [], [1, 2, 2]],
    ['iterative', ['plain', 'direct'], [1, 2, 3]],
    ['plain', ['iterative', 'direct'], [1, 2, 3]],
  ])('counts the trainings of %s with %j as the lineage will really run them', async (strategy, controls, expected) => {
    const spec = await makeLineage({ strategy, controls });
    for (const name of ['M1', 'M2', 'M3']) await dropRelease(spec, name);
    const { releases, steps } = await planLineage(spec);
    expect(releases.map(({ trainings }) => trainings)).toEqual(expected);
    expect(steps).toBe(100 * expected.reduce((sum, count) => sum + count, 0));
    expect(trainingsOfLineage(spec, 3)).toEqual(expected);
  });

  it('takes for each training its checkpoints, its start model and its Δ as disk, and each release once', async () => {
    const spec = await makeLineage({ controls: ['plain'] });
    await dropRelease(spec, 'M1');
    await dropRelease(spec, 'M2');
    const { releases, diskBytes } = await planLineage(spec);
    const size = releases[0]?.sizeBytes ?? 0;
    expect(diskBytes).toBe(size * (1 + 1 * (4 + 2)) + size * (1 + 2 * (4 + 2)));
  });

  it('lists every blocker at once', async () => {
    const spec = await makeLineage({
      family: { folder: '/nowhere/family', names: 'M{release}', order: ['release'] },
      finetune: { dataset: '/nowhere/train.jsonl', steps: 1, learningRate: 1e-3, batchSize: 1, saveEvery: 1 },
      evaluate: [
        { name: 'sums', suite: '/nowhere/sums' },
        { name: 'words', suite: '/nowhere/words' },
      ],
    });
    const { blockers, releases } = await planLineage(spec);
    expect(releases).toEqual([]);
    expect(blockers).toEqual([
      'Dataset /nowhere/train.jsonl does not exist; correct `finetune.dataset` or put the file there.',
      expect.stringMatching(/^Suite `sums` at \/nowhere\/sums cannot be read: /),
      expect.stringMatching(/^Suite `words` at \/nowhere\/words cannot be read: /),
      'Family folder /nowhere/family does not exist; correct `family.folder`, or make the folder.',
    ]);
  });

  it('says that the family is a file where it should be a folder', async () => {
    const spec = await makeLineage();
    const folder = spec.finetune.dataset;
    const { blockers, releases } = await planLineage({ ...spec, family: { ...spec.family, folder } });
    expect(releases).toEqual([]);
    expect(blockers).toEqual([`Family folder ${folder} is a file; correct \`family.folder\`.`]);
  });

  it('blocks on a release whose weights cannot be recycled, by its name', async () => {
    const spec = await makeLineage();
    await dropRelease(spec, 'M1');
    const quantised = { ...bitsTensor('w', 'BF16', [1, 2]), dtype: 'I8' as const, shape: [4] };
    await writeModelFolder(path.join(folderOf(spec), 'M2'), singleFile(quantised));
    const { blockers, releases } = await planLineage(spec);
    expect(releases.map(({ name }) => name)).toEqual(['M1', 'M2']);
    expect(blockers).toEqual([expect.stringMatching(/^M2: .*`w`.*I8/)]);
  });

  it('begins at `since`, and names what is before', async () => {
    const spec = await makeLineage();
    for (const name of ['M1', 'M2', 'M3', 'M4']) await dropRelease(spec, name);
    const plan = await planLineage({ ...spec, family: { ...spec.family, since: 'M3' } });
    expect([plan.releases.map(({ name }) => name), plan.older]).toEqual([
      ['M3', 'M4'],
      ['M1', 'M2'],
    ]);
    expect((await planLineage({ ...spec, family: { ...spec.family, since: 'first' } })).blockers).toEqual([
      '`family.since` is first, which does not follow `M{release}`, so nothing can come before it; name a release of the family.',
    ]);
  });

  it('says of a half-written release what it lacks', async () => {
    const spec = await makeLineage();
    await dropRelease(spec, 'M1');
    await mkdir(path.join(folderOf(spec), 'M2'));
    await writeFile(path.join(folderOf(spec), 'M2', 'config.json'), '{"architectures": ["LlamaForCausalLM"]}');
    const { releases, ignored } = await planLineage(spec);
    expect(releases.map(({ name }) => name)).toEqual(['M1']);
    expect(ignored).toEqual([
      { name: 'M2', why: expect.stringMatching(/^not yet a release: .*safetensors/) as string },
    ]);
  });

  it('orders the paper’s revisions on the Hub with one pattern, and fetches no weights', async () => {
    const hub = await startHubDouble({ folder: await temporaryFolder() });
    onTestFinished(() => hub.stop());
    await hub.createRepo('allenai/OLMo-2-1124-7B');
    const names = [
      'stage2-ingredient1-step6000-tokens26B',
      'stage1-step928646-tokens3896B',
      'stage1-step300000-tokens1259B',
      'stage2-ingredient1-step11931-tokens50B',
      'stage1-step600000-tokens2517B',
    ];
    const model = await writeModelFolder(path.join(await temporaryFolder(), 'm'), singleFile(f32Tensor('w', [1])));
    for (const branch of names) {
      await hub.commit('allenai/OLMo-2-1124-7B', { 'README.md': branch }, { branch });
      await hub.commitFolder('allenai/OLMo-2-1124-7B', model, { branch });
    }
    const revisions = 'stage{stage}[-ingredient{ingredient}]-step{step}-tokens{tokens:count}';
    const family = { hub: 'allenai/OLMo-2-1124-7B', revisions, order: ['stage', 'step'] };
    const { releases, ignored, blockers } = await planLineage(await makeLineage({ family }), { HF_ENDPOINT: hub.url });
    expect(releases.map(({ name, fields }) => [name, fields])).toEqual([
      ['stage1-step300000-tokens1259B', 'stage 1, step 300000'],
      ['stage1-step600000-tokens2517B', 'stage 1, step 600000'],
      ['stage1-step928646-tokens3896B', 'stage 1, step 928646'],
      ['stage2-ingredient1-step6000-tokens26B', 'stage 2, step 6000'],
      ['stage2-ingredient1-step11931-tokens50B', 'stage 2, step 11931'],
    ]);
    expect(releases[0]).toMatchObject({ parameters: null, sizeBytes: expect.any(Number) as number });
    expect(ignored).toEqual([{ name: 'main', why: `the name does not follow \`${revisions}\`` }]);
    expect(blockers).toEqual([]);
    expect(hub.requests.filter((line) => line.includes('safetensors'))).toEqual([]);
    const none = await planLineage(await makeLineage({ family: { ...family, hub: 'acme/none' } }), {
      HF_ENDPOINT: hub.url,
    });
    expect(none.blockers).toEqual([expect.stringContaining('There is no model acme/none')]);
  });

  it('writes nothing where it looks', async () => {
    const spec = await makeLineage();
    await dropRelease(spec, 'M1');
    const root = path.dirname(folderOf(spec));
    const before = await readdir(root, { recursive: true });
    await planLineage(spec);
    expect(await readdir(root, { recursive: true })).toEqual(before);
  });
});

/** How many trainings the lineage itself starts at each of its first releases when all goes well. */
function trainingsOfLineage(spec: LineageSpec, releases: number): readonly number[] {
  let state = createLineage(spec);
  return Array.from({ length: releases }, (_, index) => {
    const release = makeRelease(index + 1);
    state = startRelease(observeRelease(state, release, AT).state, release.name);
    const arms = state.releases[index]?.arms.filter(({ status }) => status === 'waiting') ?? [];
    for (const { arm } of arms) {
      const result = makeResult({ deltaDigest: digestOf(`Δ of ${arm} at ${release.name}`) });
      state = endArm(state, release.name, arm, { kind: 'succeeded', result });
    }
    state = concludeRelease(state, release.name, null, AT);
    return arms.length;
  });
}
