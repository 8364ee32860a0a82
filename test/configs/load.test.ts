import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadLineageSpec } from '../../configs/load.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { SMALLEST_SPEC } from '../support/lineage-values.ts';
import { temporaryFolder } from '../support/safetensors.ts';

const HOME = '/srv/regraft';
const { family, finetune } = SMALLEST_SPEC;

/** A lineage file with this text, alone in a folder. */
async function fileOf(text: string): Promise<string> {
  const file = path.join(await temporaryFolder(), 'lineage.yaml');
  await writeFile(file, text);
  return file;
}

/** The smallest lineage as a file; fields given override. */
const fileWith = (fields: Readonly<Record<string, unknown>>): Promise<string> =>
  fileOf(stringify({ ...SMALLEST_SPEC, ...fields }));

describe('loading a lineage file', () => {
  it('fills in every default', async () => {
    const spec = await loadLineageSpec(await fileWith({}), HOME);
    expect(spec).toMatchObject({ controls: [], backlog: 'queue', publish: [], family: { pollEvery: '1m' } });
    expect(spec.finetune).toMatchObject({
      trainer: 'sft',
      schedule: 'linear',
      warmupSteps: 0,
      maxLength: 2048,
      seed: 0,
    });
    expect(spec.evaluate).toEqual([{ name: 'sums', suite: '/suites/sums', harness: 'onnx' }]);
  });

  it('reads a relative path from the file’s own folder, whichever folder one stands in', async () => {
    const file = await fileWith({
      family: { ...family, folder: 'releases' },
      finetune: { ...finetune, dataset: '../data/train.jsonl' },
      evaluate: [{ name: 'sums', suite: './suites/sums' }],
      publish: [{ folder: 'live' }],
    });
    const folder = path.dirname(file);
    for (const name of [file, path.relative(process.cwd(), file)]) {
      const spec = await loadLineageSpec(name, HOME);
      expect(spec.family.folder).toBe(path.join(folder, 'releases'));
      expect(spec.finetune.dataset).toBe(path.join(path.dirname(folder), 'data', 'train.jsonl'));
      expect(spec.evaluate[0]?.suite).toBe(path.join(folder, 'suites', 'sums'));
      expect(spec.publish).toEqual([{ folder: path.join(folder, 'live') }]);
    }
  });

  it('puts the home folder where a path begins with {home}, made absolute', async () => {
    const file = await fileWith({
      family: { ...family, folder: '{home}/family' },
      finetune: { ...finetune, dataset: '{home}/train.jsonl' },
      evaluate: [{ name: 'sums', suite: '{home}/suites/sums' }],
      publish: [{ folder: '{home}/published' }],
    });
    const spec = await loadLineageSpec(file, 'some/home');
    const home = path.resolve('some/home');
    expect(spec.family.folder).toBe(path.join(home, 'family'));
    expect(spec.finetune.dataset).toBe(path.join(home, 'train.jsonl'));
    expect(spec.evaluate[0]?.suite).toBe(path.join(home, 'suites', 'sums'));
    expect(spec.publish).toEqual([{ folder: path.join(home, 'published') }]);
  });

  it('leaves a dataset of the Hub alone: it is no path', async () => {
    const dataset = `hub://datasets/acme/sums@${'0'.repeat(40)}`;
    const spec = await loadLineageSpec(await fileWith({ finetune: { ...finetune, dataset } }), HOME);
    expect(spec.finetune.dataset).toBe(dataset);
  });

  it('reads the path of an accelerate configuration as any other', async () => {
    const at = async (accelerate: string): Promise<readonly [string, string | undefined]> => {
      const file = await fileWith({ finetune: { ...finetune, accelerate } });
      return [path.dirname(file), (await loadLineageSpec(file, HOME)).finetune.accelerate];
    };
    const [folder, relative] = await at('fsdp.yaml');
    expect(relative).toBe(path.join(folder, 'fsdp.yaml'));
    expect(await at('{home}/fsdp.yaml')).toContain(`${HOME}/fsdp.yaml`);
    expect((await loadLineageSpec(await fileWith({}), HOME)).finetune).not.toHaveProperty('accelerate');
  });

  it('leaves an absolute path alone', async () => {
    expect((await loadLineageSpec(await fileWith({}), HOME)).family.folder).toBe('/models/family');
  });

  it('takes every lineage file in configs/', async () => {
    const folder = path.join(PROJECT_ROOT, 'configs');
    const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
    expect(files).toEqual(['demo-smoke.yaml', 'demo.yaml', 'olmo2-math.yaml']);
    const specs = await Promise.all(files.map((name) => loadLineageSpec(path.join(folder, name), HOME)));
    expect(specs.map(({ name }) => name)).toEqual(['demo-desc-smoke', 'demo-desc', 'olmo2-math']);
    for (const spec of specs.slice(0, 2)) {
      const paths = [spec.family.folder, spec.finetune.dataset, spec.evaluate[0]?.suite, spec.publish[0]?.folder];
      expect(paths.filter((each) => each?.startsWith(`${HOME}/demo`) === true)).toHaveLength(4);
    }
  });
});

describe('a family that is not a folder', () => {
  it('is left as it is written: only a folder is a path', async () => {
    const family = { bucket: 's3://models/base', names: 'M{release}', order: ['release'] };
    const spec = await loadLineageSpec(await fileWith({ family }), HOME);
    expect(spec.family).toEqual({ ...family, pollEvery: '1m' });
  });
});

describe('a lineage file that cannot be read', () => {
  it('is said to be missing, with a file to begin with', async () => {
    const file = path.join(await temporaryFolder(), 'nothing.yaml');
    await expect(loadLineageSpec(file, HOME)).rejects.toMatchObject({
      code: 'SPEC_UNREADABLE',
      message: `${file} does not exist; name a lineage file such as configs/demo.yaml.`,
    });
  });

  it('is said to be a folder', async () => {
    const folder = path.join(await temporaryFolder(), 'folder.yaml');
    await mkdir(folder);
    await expect(loadLineageSpec(folder, HOME)).rejects.toMatchObject({
      code: 'SPEC_UNREADABLE',
      message: `${folder} is a folder; name a lineage file such as configs/demo.yaml.`,
    });
  });

  it.each([
    ['a syntax error with its line and column', 'name: [a\nfamily: }\n', /is no valid YAML: .* at line 2, column 1/],
    ['a key written twice', 'name: a\nname: b\n', /is no valid YAML: Map keys must be unique at line 2, column 1/],
    ['a path with {home} that needs quotes', 'suite: {home}/x\n', /A path that begins with {home} needs quotes/],
    ['two documents in one file', 'name: a\n---\nname: b\n', /it holds several documents divided by `---`/],
  ])('is shown %s', async (_what, text, sentence) => {
    const loading = loadLineageSpec(await fileOf(text), HOME);
    await expect(loading).rejects.toMatchObject({ code: 'SPEC_UNREADABLE' });
    await expect(loading).rejects.toThrow(sentence);
  });

  it('gets no hint about {home} where that is quoted already', async () => {
    const text = 'path: \'{home}/x\'\nother: "{home}/y"\nname: [\n';
    await expect(loadLineageSpec(await fileOf(text), HOME)).rejects.toThrow(/^(?!.*needs quotes).*is no valid YAML/s);
  });
});

describe('a lineage file with mistakes', () => {
  it('is told all of them at once, those between keys included, under the file’s name', async () => {
    const file = await fileWith({
      name: 'Tiny Sums',
      family: { ...family, order: ['step'] },
      strategy: 'iterativ',
      finetune: { ...finetune, steps: '100', seed: -1 },
      evaluate: [
        { name: 'sums', suite: 'a' },
        { name: 'sums', suite: 'b' },
      ],
      gate: { nonInferior: { words: 0.1 } },
      controlls: ['plain'],
    });
    const problems = [
      '`name` is "Tiny Sums": use lower-case letters, digits and dashes, at most 63',
      '`strategy` is "iterativ", expected plain, direct, iterative, auto or transfer-only; did you mean `iterative`?',
      '`finetune.steps` is "100", expected a number; leave out the quotes: 100',
      '`finetune.seed` is the number -1, expected at least 0',
      expect.stringMatching(/^`controlls` is an unknown key; did you mean `controls`\? known here: name, family, /),
      '`family.order`, entry 1: `step` is not a field of the pattern `M{release}`; use one of release',
      '`evaluate`, entry 2: `name`: `sums` is used twice; give each suite its own name',
      '`gate.nonInferior.words`: no suite is called `words`; use one of sums, sums',
    ];
    const loading = loadLineageSpec(file, HOME);
    await expect(loading).rejects.toMatchObject({
      code: 'SPEC_INVALID',
      retryable: false,
      details: { file, problems },
    });
    const start = `${file} is no valid lineage:\n  - \`name\` is "Tiny Sums"`;
    await expect(loading).rejects.toMatchObject({ message: expect.stringContaining(start) });
    await expect(loading).rejects.toMatchObject({ message: expect.stringMatching(/(\n {2}- .*){8}$/) });
  });
});
