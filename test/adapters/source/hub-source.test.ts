import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedRelease } from '../../../activities/ports.ts';
import { createHubSource } from '../../../adapters/source/hub/hub-source.ts';
import type { FamilySpec } from '../../../contracts/family.schema.ts';
import { openModel } from '../../../weights/index.ts';
import { startHubDouble, type HubDouble } from '../../support/hub-double.ts';
import {
  f32Tensor,
  singleFile,
  temporaryFolder,
  writeModelFolder,
  type FixtureModel,
} from '../../support/safetensors.ts';

const REPO = 'acme/base';
const { signal } = new AbortController();
const many = Array.from({ length: 50_000 }, (_, index) => index);
const single = singleFile(f32Tensor('model.norm.weight', many));
const sharded: FixtureModel = {
  shards: {
    'model-00001-of-00002.safetensors': [f32Tensor('model.norm.weight', [1])],
    'model-00002-of-00002.safetensors': [f32Tensor('lm_head.weight', [2])],
  },
};
const revisions = familyOf({ hub: REPO, revisions: 'step{step}' });

let hub: HubDouble;
beforeEach(async () => {
  hub = await startHubDouble({ folder: await temporaryFolder(), pageSize: 3 });
  await hub.createRepo(REPO);
});
afterEach(() => hub.stop());

const source = (token: string | null = null) => createHubSource({ endpoint: hub.url, token }, 1);

function familyOf(fields: Partial<FamilySpec>): FamilySpec {
  return { order: ['step'], pollEvery: '1m', ...fields };
}

async function upload(model: FixtureModel, branch = 'main', repo = REPO): Promise<string> {
  return hub.commitFolder(repo, await writeModelFolder(path.join(await temporaryFolder(), 'model'), model), { branch });
}

async function open(name: string, family = revisions, token: string | null = null): Promise<OpenedRelease> {
  const into = path.join(await temporaryFolder(), 'release');
  const release = (await source(token).list(family, signal)).releases.find((one) => one.name === name);
  if (release === undefined) throw new Error(`${name} is not listed`);
  return source(token).open({ family, release, into, signal, onProgress: () => undefined });
}

describe('what a family on the Hub has', () => {
  it('are the branches and tags of a repo, each with its commit', async () => {
    const first = await upload(single, 'step1');
    const second = await upload(sharded, 'runs/step2');
    await hub.tag(REPO, 'step3', second);
    const { releases, ignored } = await source().list(revisions, signal);
    expect(releases.toSorted((left, right) => (left.name < right.name ? -1 : 1))).toEqual([
      { name: 'main', version: hub.resolve(REPO, 'main') },
      { name: 'runs/step2', version: second },
      { name: 'step1', version: first },
      { name: 'step3', version: second },
    ]);
    expect(ignored).toEqual([]);
  });

  it('is no name that is a branch and a tag of different commits', async () => {
    const first = await upload(single, 'step1');
    await hub.tag(REPO, 'step1', first);
    expect((await source().list(revisions, signal)).releases.map(({ name }) => name)).toContain('step1');
    await upload(sharded, 'step1');
    const { releases, ignored } = await source().list(revisions, signal);
    expect(releases.map(({ name }) => name)).toEqual(['main']);
    expect(ignored).toEqual([{ name: 'step1', why: 'a branch and a tag of that name are different commits' }]);
  });

  it('are all repos of an organisation, page after page, or those of a list that are there', async () => {
    for (const name of ['M1', 'M2', 'M3', 'M4', 'M5']) await hub.createRepo(`many/${name}`);
    const { releases } = await source().list(familyOf({ organisation: 'many', names: 'M{step}' }), signal);
    expect(releases.map(({ name }) => name)).toEqual(['M1', 'M2', 'M3', 'M4', 'M5']);
    expect(releases[0]?.version).toBe(hub.resolve('many/M1', 'main'));
    const list = familyOf({ hub: ['many/M2', 'acme/M9'], names: 'M{step}' });
    expect(await source().list(list, signal)).toEqual({
      releases: [{ name: 'M2', version: hub.resolve('many/M2', 'main') }],
      ignored: [{ name: 'M9', why: `there is no model acme/M9 at ${hub.url} yet` }],
    });
  });
});

describe('a release on the Hub', () => {
  const lookAt = (commit: string) => source().look(revisions, { name: 'step1', version: commit }, signal);

  it('is whole by its listing, and nothing but the index is fetched to tell', async () => {
    const commit = await upload(sharded, 'step1');
    const look = await lookAt(commit);
    expect(look).toMatchObject({ kind: 'complete', parameterCount: null, problems: [] });
    const gets = hub.requests.filter((line) => line.includes('/resolve/') || line.includes('/lfs/'));
    expect(gets).toEqual([`GET /${REPO}/resolve/${commit}/model.safetensors.index.json 200`]);
  });

  it.each<[string, Record<string, string | null>, RegExp]>([
    ['without config.json', { 'config.json': null }, /no config.json/],
    [
      'without a shard',
      { 'model-00002-of-00002.safetensors': null },
      /^model-00002-of-00002.safetensors of its index is missing$/,
    ],
    ['without its index', { 'model.safetensors.index.json': null }, /neither model.safetensors nor/],
    [
      'with an index that points out of it',
      { 'model.safetensors.index.json': '{"weight_map": {"a": "../x.safetensors"}}' },
      /not a plain .safetensors file name/,
    ],
    [
      'with pickles alone',
      { 'model.safetensors.index.json': null, 'pytorch_model.bin': 'x' },
      /neither model.safetensors nor/,
    ],
  ])('%s is not yet one', async (_claim, change, why) => {
    await upload(sharded, 'step1');
    const commit = await hub.commit(REPO, change, { branch: 'step1' });
    expect(await lookAt(commit)).toEqual({ kind: 'incomplete', why: expect.stringMatching(why) as string });
  });

  it('has another content when a model file changes, and the same when its card does', async () => {
    const first = await lookAt(await upload(single, 'step1'));
    const card = await lookAt(await hub.commit(REPO, { 'README.md': 'new' }, { branch: 'step1' }));
    const changed = await lookAt(await hub.commit(REPO, { 'config.json': '{}' }, { branch: 'step1' }));
    expect(first).toMatchObject({ kind: 'complete' });
    expect(card).toEqual(first);
    expect(changed).not.toEqual(first);
  });

  it('is fetched as it was at its commit, model files alone', async () => {
    await upload(single, 'runs/step1');
    const commit = await hub.commit(
      REPO,
      {
        'modeling_acme.py': 'import os',
        'original/consolidated.safetensors': 'x',
        'extra.safetensors': 'x',
        'pytorch_model.bin': 'x',
      },
      { branch: 'runs/step1' },
    );
    const listed = { name: 'runs/step1', version: commit };
    await hub.commit(REPO, { 'config.json': '{"changed": true}' }, { branch: 'runs/step1' });
    const into = path.join(await temporaryFolder(), 'release');
    const seen: number[] = [];
    const opened = await source().open({
      family: familyOf({ hub: REPO, revisions: 'runs/step{step}' }),
      release: listed,
      into,
      signal,
      onProgress: (done, total) => seen.push(done / total),
    });
    expect(opened).toMatchObject({ folder: into, uri: `hub://${REPO}@${commit}`, version: commit, take: 'link' });
    expect((await readdir(into)).sort()).toEqual(['config.json', 'model.safetensors']);
    expect((await openModel(into)).parameterCount).toBe(many.length);
    expect(seen.at(-1)).toBe(1);
  });

  it('goes on where the connection broke', async () => {
    await upload(single, 'step1');
    hub.fail({ matching: 'GET /lfs/', times: 2, status: 0 });
    const { folder } = await open('step1');
    expect((await openModel(folder)).parameterCount).toBe(many.length);
    const asked = hub.requests.filter((line) => line.includes('/lfs/'));
    expect(asked.map((line) => line.split(' ').at(-1))).toEqual(['200', '200', '206']); // broken off twice, the second time as a part
  });

  it('is refused when what comes is not what the Hub says, in a large file and in a small one', async () => {
    await upload(single, 'step1');
    await hub.corrupt(REPO, 'step1', 'model.safetensors');
    await expect(open('step1')).rejects.toMatchObject({
      code: 'SOURCE_DIGEST_MISMATCH',
      retryable: true,
      message: expect.stringMatching(
        /^model.safetensors: what came has digest [0-9a-f]{64}, and the source says /,
      ) as string,
    });
    await upload(single, 'step2');
    await hub.corrupt(REPO, 'step2', 'config.json');
    await expect(open('step2')).rejects.toMatchObject({
      code: 'SOURCE_DIGEST_MISMATCH',
      message: expect.stringMatching(/^config.json: what came has digest [0-9a-f]{40}, /) as string,
    });
  });

  it('has gone when its commit has, or is no whole model any more', async () => {
    const commit = await upload(single, 'step1');
    const into = path.join(await temporaryFolder(), 'release');
    const openAt = (version: string) =>
      source().open({
        family: revisions,
        release: { name: 'step1', version },
        into,
        signal,
        onProgress: () => undefined,
      });
    await expect(openAt('0'.repeat(40))).rejects.toMatchObject({ code: 'SOURCE_RELEASE_GONE', retryable: true });
    hub.fail({ matching: '/resolve/', times: 5, status: 404 });
    await expect(openAt(commit)).rejects.toMatchObject({ code: 'SOURCE_RELEASE_GONE', retryable: true });
  });
});

describe('what the Hub refuses', () => {
  it('is an error of its own code, and never says the token', async () => {
    await hub.createRepo('acme/private', { private: true });
    await hub.createRepo('acme/gated', { gated: true });
    await upload(sharded, 'step1', 'acme/gated');
    const list = (repo: string, token: string | null = null) =>
      source(token).list(familyOf({ hub: repo, revisions: 'step{step}' }), signal);
    await expect(list('acme/none')).rejects.toMatchObject({
      code: 'HUB_NOT_FOUND',
      retryable: false,
      message: `There is no model acme/none at ${hub.url}; correct \`family.hub\`, or HF_ENDPOINT of the worker.`,
    });
    await expect(list('acme/private')).rejects.toMatchObject({
      code: 'HUB_AUTH',
      message: expect.stringContaining('set HF_TOKEN') as string,
    });
    const wrong = await list('acme/private', 'hf_secret').catch((error: unknown) => error);
    expect(wrong).toMatchObject({ code: 'HUB_AUTH', retryable: false });
    expect(JSON.stringify([String(wrong), wrong])).not.toContain('hf_secret');
    expect((await list('acme/private', hub.token)).releases).toHaveLength(1);
    const gated = familyOf({ hub: 'acme/gated', revisions: 'step{step}' });
    await expect(open('step1', gated)).rejects.toMatchObject({
      code: 'HUB_AUTH',
      message: expect.stringContaining('the repo is gated') as string,
    });
    expect((await open('step1', gated, hub.token)).take).toBe('link');
  });

  it.each([
    [429, { 'retry-after': '7' }, 'HUB_RATE_LIMITED', 7000],
    [429, {}, 'HUB_RATE_LIMITED', null],
    [429, { 'retry-after': '999999' }, 'HUB_RATE_LIMITED', 3_600_000],
    [503, { 'retry-after': '2' }, 'HUB_UNREACHABLE', 2000],
    [500, {}, 'HUB_UNREACHABLE', null],
  ])('with %i is asked again, when it says itself', async (status, headers, code, retryAfterMs) => {
    const commit = await upload(sharded, 'step1');
    const expected = { code, retryable: true, retryAfterMs };
    hub.fail({ matching: '/refs', times: 1, status, headers });
    await expect(source().list(revisions, signal)).rejects.toMatchObject(expected);
    hub.fail({ matching: '/tree/', times: 1, status, headers });
    await expect(source().look(revisions, { name: 'step1', version: commit }, signal)).rejects.toMatchObject(expected);
    hub.fail({ matching: '/api/models', times: 1, status, headers });
    const family = familyOf({ organisation: 'acme', names: 'M{step}' });
    await expect(source().list(family, signal)).rejects.toMatchObject(expected);
  });

  it('is asked again while a file comes, unless it asks for patience', async () => {
    await upload(single, 'step1');
    hub.fail({ matching: '/resolve/', times: 2, status: 500 });
    expect((await open('step1')).take).toBe('link');
    hub.fail({ matching: '/resolve/', times: 1, status: 429, headers: { 'retry-after': '30' } });
    await expect(open('step1')).rejects.toMatchObject({ code: 'HUB_RATE_LIMITED', retryAfterMs: 30_000 });
    hub.fail({ matching: '/resolve/', times: 5, status: 500 });
    await expect(open('step1')).rejects.toMatchObject({ code: 'HUB_UNREACHABLE', retryable: true });
  });

  it('is away: unreachable, and worth another try', async () => {
    const { url } = hub;
    await hub.stop();
    await expect(source().list(revisions, signal)).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      retryable: true,
      message: expect.stringContaining(`The Hub at ${url} does not answer: connect ECONNREFUSED`) as string,
    });
    hub = await startHubDouble({ folder: await temporaryFolder() });
  });

  it('is no Hub at all', async () => {
    hub.fail({ matching: '/refs', times: 1, status: 200 });
    await expect(source().list(revisions, signal)).rejects.toMatchObject({
      code: 'HUB_ANSWER_INVALID',
      retryable: true,
    });
  });

  it('is told to stop, and stops', async () => {
    const stop = new AbortController();
    stop.abort(new Error('the worker goes away'));
    await expect(source().list(revisions, stop.signal)).rejects.toThrow('the worker goes away');
  });
});

it('keeps what a name means apart from how it is written in an address', async () => {
  const commit = await upload(single, 'a b/step1%2F#?');
  const family = familyOf({ hub: REPO, revisions: 'a b/step{step}*' });
  const { folder, version } = await open('a b/step1%2F#?', family);
  expect(version).toBe(commit);
  expect(await readFile(path.join(folder, 'config.json'), 'utf8')).toContain('{');
});
