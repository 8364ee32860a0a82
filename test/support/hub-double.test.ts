import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { commit, createBranch, createRepo, downloadFile, listFiles, listModels, modelInfo } from '@huggingface/hub';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPython } from '../../workers/settings.ts';
import { startHubDouble, type HubDouble, type WebhookPayload, type WebhookSpec } from './hub-double.ts';

const WEIGHTS = Buffer.alloc(300_000, 'weights');
let root: string;
let hub: HubDouble;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'hub-double-'));
  hub = await startHubDouble({ folder: path.join(root, 'hub'), multipartOver: 100_000, pageSize: 2 });
});
afterEach(async () => {
  await hub.stop();
  await rm(root, { recursive: true });
});

describe('the Hub double', () => {
  it("serves Python's client: upload, branch, tag, history, listing and download, byte for byte", async () => {
    const folder = path.join(root, 'model');
    await mkdir(path.join(folder, 'notes'), { recursive: true });
    await writeFile(path.join(folder, 'model.safetensors'), WEIGHTS);
    await writeFile(path.join(folder, 'config.json'), '{"a": 1}');
    await writeFile(path.join(folder, 'notes', 'readme.txt'), 'read me');
    const out = path.join(root, 'out');
    const answer: unknown = JSON.parse(await python('acme/base', folder, out));
    const [first, second] = [hub.resolve('acme/base', 'v1'), hub.resolve('acme/base', 'main')];
    expect(answer).toMatchObject({
      first,
      second,
      branches: { main: second, 'step-100/a': first },
      tags: { v1: first },
      commits: [second, first, expect.stringMatching(/^[0-9a-f]{40}$/)],
      files: ['.gitattributes', 'config.json', 'model.safetensors'],
      models: ['acme/base'],
    });
    expect(await readFile(path.join(out, 'model.safetensors'))).toEqual(WEIGHTS);
    expect(await readFile(path.join(out, 'notes', 'readme.txt'), 'utf8')).toBe('read me');
    expect(hub.requests.some((line) => line.startsWith('PUT /lfs/part/'))).toBe(true);
  });

  it('serves the TypeScript client: the same, with pages', async () => {
    const credentials = { hubUrl: hub.url, accessToken: hub.token };
    const repo = 'acme/base';
    await createRepo({ repo, ...credentials });
    await createRepo({ repo: 'acme/other', ...credentials });
    const files = { 'model.safetensors': WEIGHTS, 'a.json': Buffer.from('{}'), 'b/c.json': Buffer.from('[]') };
    await commit({
      repo,
      title: 'weights',
      operations: Object.entries(files).map(([name, bytes]) => {
        return { operation: 'addOrUpdate' as const, path: name, content: new Blob([new Uint8Array(bytes)]) };
      }),
      useXet: false,
      ...credentials,
    });
    await createBranch({ repo, branch: 'stage1', revision: 'main', ...credentials });
    const found: string[] = [];
    for await (const entry of listFiles({
      repo,
      revision: hub.resolve(repo, 'stage1'),
      recursive: true,
      ...credentials,
    })) {
      if (entry.type === 'file') found.push(entry.path);
    }
    expect(found.sort()).toEqual(['.gitattributes', ...Object.keys(files)].sort());
    const blob = await downloadFile({ repo, path: 'model.safetensors', xet: false, ...credentials });
    expect(Buffer.from((await blob?.arrayBuffer()) ?? new ArrayBuffer(0))).toEqual(WEIGHTS);
    const info = await modelInfo({ name: repo, additionalFields: ['sha'], ...credentials });
    expect(info.sha).toBe(hub.resolve(repo, 'main'));
    const models: string[] = [];
    for await (const { name } of listModels({ search: { owner: 'acme' }, ...credentials })) models.push(name);
    expect(models).toEqual([repo, 'acme/other']);
  });

  it('needs the token for writing, and for reading what is private or gated', async () => {
    await expect(createRepo({ repo: 'acme/x', hubUrl: hub.url, accessToken: 'hf_other' })).rejects.toThrow(
      /401|Invalid/,
    );
    await hub.createRepo('acme/private', { private: true });
    await hub.createRepo('acme/gated', { gated: true });
    const statusOf = async (place: string, token?: string): Promise<readonly [number, string | null]> => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const { status, headers: answered } = await fetch(`${hub.url}${place}`, { headers });
      return [status, answered.get('x-error-code')];
    };
    expect(await statusOf('/api/models/acme/private')).toEqual([401, 'RepoNotFound']);
    expect(await statusOf('/acme/gated/resolve/main/.gitattributes')).toEqual([401, 'GatedRepo']);
    expect(await statusOf('/api/models/acme/private', hub.token)).toEqual([200, null]);
    expect(await statusOf('/acme/gated/resolve/main/.gitattributes', hub.token)).toEqual([200, null]);
    expect(await statusOf('/api/models/acme/none')).toEqual([404, 'RepoNotFound']);
    expect(await statusOf('/acme/gated/resolve/v9/x', hub.token)).toEqual([404, 'RevisionNotFound']);
    expect(await statusOf('/acme/gated/resolve/main/x', hub.token)).toEqual([404, 'EntryNotFound']);
  });

  it('knows everything again when it is started again', async () => {
    await hub.createRepo('acme/base');
    const sha = await hub.commit('acme/base', { 'model.safetensors': WEIGHTS }, { branch: 'stage1' });
    await hub.tag('acme/base', 'v1', 'stage1');
    const port = Number(new URL(hub.url).port);
    await hub.stop();
    hub = await startHubDouble({ folder: path.join(root, 'hub'), port });
    expect(hub.resolve('acme/base', 'v1')).toBe(sha);
    const answer = await fetch(`${hub.url}/acme/base/resolve/${sha}/model.safetensors`);
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(WEIGHTS);
  });

  it('tells watchers of refs that appear, move and go, with the secret as it is', async () => {
    const receiver = await startReceiver();
    await hub.createRepo('acme/base');
    await hub.createRepo('other/base');
    const webhook: WebhookSpec = { url: receiver.url, secret: 'open sesame', watched: ['acme'] };
    hub.addWebhook(webhook);
    const before = hub.resolve('acme/base', 'main');
    const after = await hub.commit('acme/base', { 'a.json': '{}' });
    await hub.settled();
    await hub.tag('acme/base', 'v1', after);
    await hub.settled();
    await hub.deleteTag('acme/base', 'v1');
    await hub.commit('other/base', { 'a.json': '{}' });
    await hub.settled();
    expect(receiver.got.map(({ secret }) => secret)).toEqual(Array.from({ length: 3 }, () => 'open sesame'));
    expect(receiver.got.map(({ payload }) => payload.updatedRefs)).toEqual([
      [{ ref: 'refs/heads/main', oldSha: before, newSha: after }],
      [{ ref: 'refs/tags/v1', oldSha: null, newSha: after }],
      [{ ref: 'refs/tags/v1', oldSha: after, newSha: null }],
    ]);
    expect(receiver.got[0]?.payload).toMatchObject({
      event: { action: 'update', scope: 'repo.content' },
      repo: { type: 'model', name: 'acme/base', headSha: after },
    });
    expect(hub.deliveries.map(({ status }) => status)).toEqual([202, 202, 202]);
    await receiver.stop();
    await hub.commit('acme/base', { 'b.json': '{}' });
    await hub.settled();
    expect(hub.deliveries.at(-1)?.status).toBeNull();
  });

  it('fails when told to, as often as told', async () => {
    hub.fail({ matching: 'GET /api/whoami', times: 2, status: 429, headers: { 'retry-after': '7' } });
    const ask = async (): Promise<readonly [number, string | null]> => {
      const { status, headers } = await fetch(`${hub.url}/api/whoami-v2`);
      return [status, headers.get('retry-after')];
    };
    expect([await ask(), await ask(), await ask()]).toEqual([
      [429, '7'],
      [429, '7'],
      [200, null],
    ]);
    await hub.createRepo('acme/base');
    await hub.commit('acme/base', { 'model.safetensors': WEIGHTS });
    hub.fail({ matching: 'GET /lfs/', times: 1, status: 0 });
    const address = `${hub.url}/acme/base/resolve/main/model.safetensors`;
    await expect(fetch(address).then((answer) => answer.arrayBuffer())).rejects.toThrow();
    await expect(fetch(address).then((answer) => answer.arrayBuffer())).resolves.toHaveProperty('byteLength', 300_000);
  });
});

async function python(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, HF_ENDPOINT: hub.url, HF_TOKEN: hub.token, HF_HUB_DISABLE_XET: '1', HF_HOME: root };
  const script = path.join(import.meta.dirname, 'hub-double-client.py');
  const { stdout } = await promisify(execFile)(findPython(process.env), [script, ...args], { env });
  return stdout;
}

interface Received {
  readonly secret: string | undefined;
  readonly payload: WebhookPayload;
}

async function startReceiver(): Promise<{
  readonly url: string;
  readonly got: readonly Received[];
  stop(): Promise<void>;
}> {
  const got: Received[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const secret = request.headers['x-webhook-secret'];
      got.push({ secret: String(secret), payload: JSON.parse(body) as WebhookPayload });
      response.writeHead(202).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${String(port)}/hub`,
    got,
    async stop() {
      await new Promise((resolve) => server.close(resolve).closeAllConnections());
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  return new Response(Readable.toWeb(request)).text();
}
