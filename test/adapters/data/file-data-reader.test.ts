import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFileDataReader } from '../../../adapters/data/file-data-reader.ts';
import type { SuiteSpec } from '../../../contracts/lineage-spec.schema.ts';
import { digestOf } from '../../support/lineage-values.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const reader = createFileDataReader();
const DEFINITION = 'name: sums\nsamples: samples.jsonl\nscorer: exact\n';
const SAMPLES = '{"prompt":"1+1=","completion":"2"}\n{"prompt":"1+2=","completion":"3"}\n';

async function writeSuite(definition = DEFINITION, samples = SAMPLES): Promise<SuiteSpec> {
  const suite = path.join(await temporaryFolder(), 'suite');
  await mkdir(suite);
  await writeFile(path.join(suite, 'suite.yaml'), definition);
  await writeFile(path.join(suite, 'samples.jsonl'), samples);
  return { name: 'sums', suite, harness: 'onnx' };
}

describe('a suite of files', () => {
  it('is read with its samples in order, under the name that the spec gives it', async () => {
    const suite = await reader.suite({ ...(await writeSuite()), name: 'target' });
    expect(suite).toMatchObject({
      name: 'target',
      samples: [
        { id: '0', prompt: '1+1=', answer: '2' },
        { id: '1', prompt: '1+2=', answer: '3' },
      ],
    });
  });

  it('has one digest for equal samples, however the file is laid out and whatever it is called', async () => {
    const plain = await reader.suite(await writeSuite());
    const spaced = await reader.suite({
      ...(await writeSuite(DEFINITION.replace('name: sums', 'name: other'), SAMPLES.replaceAll('\n', '\r\n\n'))),
      name: 'other',
    });
    expect(spaced.digest).toBe(plain.digest);
  });

  it.each([
    ['another answer', SAMPLES.replace('"2"', '"3"')],
    ['another order', SAMPLES.trim().split('\n').reverse().join('\n')],
    ['a sample more', `${SAMPLES}{"prompt":"2+2=","completion":"4"}\n`],
  ])('has another digest with %s', async (_claim, samples) => {
    const [plain, changed] = [
      await reader.suite(await writeSuite()),
      await reader.suite(await writeSuite(DEFINITION, samples)),
    ];
    expect(changed.digest).not.toBe(plain.digest);
  });

  it.each([
    ['no samples', DEFINITION, '\n\n', 'samples.jsonl: it has no sample'],
    ['an unknown key', `${DEFINITION}weight: 1\n`, SAMPLES, 'weight'],
    ['an unknown scorer', DEFINITION.replace('exact', 'judge'), SAMPLES, 'exact'],
    [
      'samples in another folder',
      DEFINITION.replace('samples.jsonl', '../samples.jsonl'),
      SAMPLES,
      'beside suite.yaml',
    ],
    ['a line that is not JSON', DEFINITION, `${SAMPLES}oops\n`, 'JSON'],
    ['a sample without an answer', DEFINITION, '{"prompt":"1+1="}\n', 'completion'],
    ['a sample with an empty answer', DEFINITION, '{"prompt":"1+1=","completion":""}\n', 'completion'],
  ])('is refused with %s, by name and with the reason', async (_claim, definition, samples, reason) => {
    const spec = await writeSuite(definition, samples);
    await expect(reader.suite(spec)).rejects.toThrow(
      expect.objectContaining({ code: 'SUITE_INVALID', retryable: false }) as Error,
    );
    await expect(reader.suite(spec)).rejects.toThrow(`Suite \`sums\` at ${spec.suite} cannot be read`);
    await expect(reader.suite(spec)).rejects.toThrow(reason);
  });

  it.each(['suite.yaml', 'samples.jsonl'])('is refused without %s', async (file) => {
    const spec = await writeSuite();
    await rm(path.join(spec.suite, file));
    await expect(reader.suite(spec)).rejects.toThrow(expect.objectContaining({ code: 'SUITE_INVALID' }) as Error);
  });
});

describe('a dataset file', () => {
  it('has the digest of its bytes', async () => {
    const file = path.join(await temporaryFolder(), 'train.jsonl');
    await writeFile(file, SAMPLES);
    expect(await reader.datasetDigest(file)).toBe(digestOf(SAMPLES));
  });

  it('is refused by path when it is not there', async () => {
    const file = path.join(await temporaryFolder(), 'train.jsonl');
    await expect(reader.datasetDigest(file)).rejects.toThrow(
      expect.objectContaining({ code: 'DATASET_NOT_FOUND', retryable: false }) as Error,
    );
    await expect(reader.datasetDigest(file)).rejects.toThrow(file);
  });
});

describe('a dataset of the Hub', () => {
  const COMMIT = '0123456789abcdef0123456789abcdef01234567';

  it('has a digest of its name, which no other name has: a commit never changes', async () => {
    const names = [
      `hub://datasets/acme/sums@${COMMIT}`,
      `hub://datasets/acme/sums@${COMMIT.replace('0', '1')}`,
      `hub://datasets/acme/sums@${COMMIT}#train`,
      `hub://datasets/acme/sums-2.1_b@${COMMIT}`,
    ];
    const digests = await Promise.all(names.map((name) => reader.datasetDigest(name)));
    expect(new Set(digests).size).toBe(names.length);
    expect(digests.filter((digest) => /^[0-9a-f]{64}$/.test(digest))).toEqual(digests);
    expect(await createFileDataReader().datasetDigest(names[0] ?? '')).toBe(digests[0]);
  });

  it.each([
    ['no commit', 'hub://datasets/acme/sums'],
    ['a branch', 'hub://datasets/acme/sums@main'],
    ['a short commit', `hub://datasets/acme/sums@${COMMIT.slice(0, 39)}`],
    ['a long commit', `hub://datasets/acme/sums@${COMMIT}0`],
    ['a commit in capitals', `hub://datasets/acme/sums@${COMMIT.toUpperCase()}`],
    ['no owner', `hub://datasets/sums@${COMMIT}`],
    ['a model', `hub://acme/sums@${COMMIT}`],
    ['a line break behind it', `hub://datasets/acme/sums@${COMMIT}\n`],
  ])('is refused with %s, by name and with what to write', async (_claim, name) => {
    await expect(reader.datasetDigest(name)).rejects.toMatchObject({
      code: 'DATASET_NOT_PINNED',
      retryable: false,
      message: expect.stringContaining(`${name} names no commit; write hub://datasets/OWNER/NAME@COMMIT`) as string,
    });
  });
});
