import { readdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBucketSource } from '../../../adapters/source/bucket/bucket-source.ts';
import type { FamilySpec } from '../../../contracts/family.schema.ts';
import { openModel } from '../../../weights/index.ts';
import { startObjectStore, type ObjectStore } from '../../support/object-store.ts';
import {
  f32Tensor,
  singleFile,
  temporaryFolder,
  writeModelFolder,
  type FixtureModel,
} from '../../support/safetensors.ts';

const { signal } = new AbortController();
const single = singleFile(f32Tensor('model.norm.weight', [1, 2, 3]));
const sharded: FixtureModel = {
  shards: {
    'model-00001-of-00002.safetensors': [f32Tensor('model.norm.weight', [1])],
    'model-00002-of-00002.safetensors': [f32Tensor('lm_head.weight', [2])],
  },
};

let store: ObjectStore;
beforeAll(async () => {
  store = await startObjectStore();
});
afterAll(() => store.stop());

let bucket: string;
let buckets = 0;
beforeEach(async () => {
  for (const [name, value] of Object.entries(store.environment)) vi.stubEnv(name, value);
  buckets += 1;
  bucket = `models-${String(buckets)}`;
  await store.makeBucket(bucket);
});
afterAll(() => vi.unstubAllEnvs());

const source = () => createBucketSource({ forcePathStyle: true, pauseMs: 1 });

function familyIn(address: string): FamilySpec {
  return { bucket: `s3://${address}`, names: 'M{release}', order: ['release'], pollEvery: '1m' };
}

async function upload(name: string, model: FixtureModel): Promise<void> {
  const folder = await writeModelFolder(path.join(await temporaryFolder(), 'model'), model);
  await store.putFolder(bucket, `base/${name}/`, folder);
}

describe('a family in an object store', () => {
  it('has a release in every folder under its prefix, and nothing of what lies beside', async () => {
    await upload('M1', single);
    await upload('M2', sharded);
    await store.put(bucket, 'base/README.md', 'not in a folder');
    await store.put(bucket, 'base/M2/original/config.json', 'deeper');
    await store.put(bucket, 'other/M9/config.json', 'elsewhere');
    const { releases } = await source().list(familyIn(`${bucket}/base`), signal);
    expect(releases.map(({ name }) => name)).toEqual(['M1', 'M2']);
    const whole = await source().list(familyIn(bucket), signal);
    expect(whole.releases.map(({ name }) => name)).toEqual(['base']);
  });

  it('takes as many pages as there are', async () => {
    for (let from = 0; from < 1005; from += 67) {
      const keys = Array.from({ length: 67 }, (_, index) => `base/M${String(from + index)}/config.json`);
      await Promise.all(keys.map((key) => store.put(bucket, key, '{}')));
    }
    expect((await source().list(familyIn(`${bucket}/base/`), signal)).releases).toHaveLength(1005);
  });

  it('tells by the listing and the index whether a release is whole, and by content whether it has changed', async () => {
    await upload('M1', sharded);
    const family = familyIn(`${bucket}/base/`);
    const look = () => source().look(family, { name: 'M1', version: '' }, signal);
    const versionNow = async () => (await source().list(family, signal)).releases[0]?.version;
    const [first, version] = [await look(), await versionNow()];
    expect(first).toMatchObject({ kind: 'complete', parameterCount: null });
    await store.put(bucket, 'base/M1/README.md', 'read me');
    expect([await look(), await versionNow()]).toEqual([first, expect.not.stringMatching(version ?? '')]);
    await store.put(bucket, 'base/M1/config.json', '{"architectures": ["Other"]}');
    expect(await look()).not.toEqual(first);
    await store.remove(bucket, 'base/M1/model-00002-of-00002.safetensors');
    expect(await look()).toEqual({
      kind: 'incomplete',
      why: 'model-00002-of-00002.safetensors of its index is missing',
    });
  });

  it('gives its model files, and those alone', async () => {
    await upload('M1', { ...single, files: { 'README.md': 'read me', 'run.py': 'import os' } });
    const family = familyIn(`${bucket}/base`);
    const [release] = (await source().list(family, signal)).releases;
    const into = path.join(await temporaryFolder(), 'release');
    const open = () =>
      source().open({
        family,
        release: release ?? { name: '', version: '' },
        into,
        signal,
        onProgress: () => undefined,
      });
    expect(await open()).toMatchObject({
      folder: into,
      uri: `s3://${bucket}/base/M1`,
      version: release?.version,
      take: 'link',
    });
    expect((await readdir(into)).sort()).toEqual(['config.json', 'model.safetensors']);
    expect((await openModel(into)).parameterCount).toBe(3);
    await store.remove(bucket, 'base/M1/config.json');
    await expect(open()).rejects.toMatchObject({
      code: 'SOURCE_RELEASE_GONE',
      retryable: true,
      message: `Release M1: s3://${bucket}/base/M1 is no complete model any more: it has no config.json; put it back, or leave it out for good.`,
    });
  });

  it('says that a bucket is not there', async () => {
    await expect(source().list(familyIn('nowhere-at-all'), signal)).rejects.toMatchObject({
      code: 'S3_NOT_FOUND',
      retryable: false,
      message: 's3://nowhere-at-all/: there is no such bucket; correct `family.bucket`, or make it.',
    });
  });

  it('says that no region is set', async () => {
    vi.stubEnv('AWS_REGION', undefined);
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
    await expect(source().list(familyIn(bucket), signal)).rejects.toMatchObject({
      code: 'S3_CONFIG',
      retryable: false,
    });
  });
});

describe('an object store that refuses', () => {
  it.each([
    [403, 'AccessDenied', 'S3_AUTH', false],
    [403, 'SignatureDoesNotMatch', 'S3_AUTH', false],
    [503, 'SlowDown', 'S3_RATE_LIMITED', true],
    [500, 'InternalError', 'S3_UNREACHABLE', true],
    [400, 'InvalidRequest', 'S3_REFUSED', false],
  ])('with %i %s has its own code', async (status, code, expected, retryable) => {
    const server = await refuseAll(status, code);
    try {
      vi.stubEnv('AWS_ENDPOINT_URL_S3', server.url);
      vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
      const error: unknown = await source()
        .list(familyIn(bucket), signal)
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: expected, retryable });
      expect(String(error)).toContain(`s3://${bucket}/`);
    } finally {
      await server.stop();
    }
  });

  it('by being away is unreachable', async () => {
    const server = await refuseAll(500, 'gone');
    await server.stop();
    vi.stubEnv('AWS_ENDPOINT_URL_S3', server.url);
    vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
    await expect(source().list(familyIn(bucket), signal)).rejects.toMatchObject({
      code: 'S3_UNREACHABLE',
      retryable: true,
    });
  });
});

async function refuseAll(status: number, code: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server: Server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>on purpose</Message></Error>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return {
    url: `http://127.0.0.1:${String(address.port)}`,
    async stop() {
      await new Promise((resolve) => server.close(resolve).closeAllConnections());
    },
  };
}
