import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { SMALLEST_SPEC } from '../support/lineage-values.ts';

const FOLDER = path.join(PROJECT_ROOT, 'configs');

/** What an editor is given, read back as a check of its own: none of it comes from the spec's own schema. */
async function editorSchema(): Promise<z.ZodType> {
  const json = JSON.parse(
    await readFile(path.join(FOLDER, 'lineage.schema.json'), 'utf8'),
  ) as z.core.JSONSchema.JSONSchema;
  return z.fromJSONSchema(json);
}

const withFinetune = (keys: Readonly<Record<string, unknown>>): unknown => ({
  ...SMALLEST_SPEC,
  finetune: { ...SMALLEST_SPEC.finetune, ...keys },
});

describe('the JSON Schema for editors', () => {
  it('takes every lineage file in configs/, each of which names it in its first line', async () => {
    const schema = await editorSchema();
    const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.yaml'));
    expect(files).toHaveLength(3);
    for (const name of files) {
      const text = await readFile(path.join(FOLDER, name), 'utf8');
      expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./lineage.schema.json');
      expect(schema.safeParse(parse(text)).error?.issues ?? []).toEqual([]);
    }
  });

  it('takes the smallest lineage: what has a default may be left out', async () => {
    expect((await editorSchema()).safeParse(SMALLEST_SPEC).success).toBe(true);
  });

  it('takes the newer keys of a fine-tune', async () => {
    const keys = {
      ...{ saveEvery: 'auto', microBatchSize: 4, lora: { rank: 8, alpha: 16 }, divergence: { spikeFactor: 4 } },
      ...{ launcher: { slurm: { gpus: 4, timeLimit: '24h' } }, leaseFor: '15m', environment: ['HF_TOKEN'] },
    };
    expect((await editorSchema()).safeParse(withFinetune(keys)).error?.issues ?? []).toEqual([]);
  });

  it.each([
    ['an unknown key', { ...SMALLEST_SPEC, stratgy: 'plain' }],
    ['an unknown key further in', { ...SMALLEST_SPEC, family: { ...SMALLEST_SPEC.family, hubs: 'x' } }],
    ['an unknown key in a list', { ...SMALLEST_SPEC, publish: [{ folder: 'a', hub: 'x' }] }],
    ['a number where text is expected', { ...SMALLEST_SPEC, family: { ...SMALLEST_SPEC.family, folder: 7 } }],
    ['a key that is missing', { ...SMALLEST_SPEC, evaluate: undefined }],
    ['an arm that does not exist', { ...SMALLEST_SPEC, controls: ['other'] }],
    ['two launchers at once', withFinetune({ launcher: { local: {}, slurm: {} } })],
    ['a Temporal setting for the trainer', withFinetune({ environment: ['TEMPORAL_API_KEY'] })],
    ['a number beyond its bounds', { ...SMALLEST_SPEC, finetune: { ...SMALLEST_SPEC.finetune, learningRate: 2 } }],
  ])('refuses %s', async (_what, value) => {
    expect((await editorSchema()).safeParse(JSON.parse(JSON.stringify(value))).success).toBe(false);
  });
});
