import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findDataConverter } from '../../client/codec/data-converter.ts';
import type { ServedApp } from '../../adapters/http/serve-app.ts';
import { startCodecServer } from '../../workers/codec-server.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { codecKeys, makeKeyLine, writePrivate } from '../support/codec-keys.ts';
import { Fleet } from '../support/fleet.ts';
import { failure } from '../support/scripted-work.ts';
import { lineageSinks, ORDER } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';

const [OLD, NEW] = [makeKeyLine('2026-01'), makeKeyLine('2026-05')];
/** What a spec says, an order, and a failure; never the names of lineages and releases, which are ids. */
const TEXTS = ['/data/train.jsonl', '/suites/sums', 'learningRate', 'M{release}', 'a test says so', 'on purpose'];
const RUN = 'lineage/secretive/run/M2/iterative';

let folder: string;
let env: TestWorkflowEnvironment;
let converter: DataConverter;
let fleet: Fleet;
const fleets: Fleet[] = [];

async function converterOf(...keys: readonly string[]): Promise<DataConverter> {
  const file = await writePrivate(`keys-${String(Math.random())}`, codecKeys(keys), 0o600, folder);
  return (await findDataConverter({ REGRAFT_CODEC_KEYS: file }))!;
}

async function bundleFor({ failureConverterPath }: DataConverter): Promise<{ readonly codePath: string }> {
  return workflowBundle(path.join(PROJECT_ROOT, '.regraft', 'cache'), { failureConverterPath });
}

/** A lineage whose second release fails. */
async function live(name: string, dataConverter?: DataConverter): Promise<Fleet> {
  const lived = new Fleet(env, dataConverter);
  fleets.push(lived);
  await lived.startControl(dataConverter && { workflowBundle: await bundleFor(dataConverter) });
  await lived.startOthers();
  const script = await lived.create(name);
  await lived.observe(name, 1);
  await lived.untilEnded(name, 'M1');
  script.instead.inspectRelease = () => Promise.reject(failure('INSPECTION_FAILED', { retryable: false }));
  await lived.observe(name, 2);
  await lived.untilEnded(name, 'M2');
  await lived.lineages.pause(name, ORDER);
  return lived;
}

const found = (history: string): readonly string[] => TEXTS.filter((text) => history.includes(text));

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'regraft-codec-'));
  env = await startTemporal();
  const plain = await live('plain');
  await plain.stop();
  converter = await converterOf(OLD);
  fleet = await live('secretive', converter);
}, 120_000);

afterAll(async () => {
  await Promise.all(fleets.map((one) => one.stop()));
  await env.teardown();
  await rm(folder, { recursive: true });
});

describe('with codec keys', () => {
  it('no history has anything of the spec, of an order or of a failure', async () => {
    const histories = await Promise.all(['lineage/secretive', RUN].map((id) => fleet.historyOf(id)));
    expect(found(histories.join('\n'))).toEqual([]);
    expect(histories.join('\n')).toContain('Encoded failure');
    expect(histories[0]).toContain('2026-01');
  });

  it('that is something: without them every history has all of it', async () => {
    const histories = await Promise.all(
      ['lineage/plain', 'lineage/plain/run/M2/iterative'].map((id) => fleet.historyOf(id)),
    );
    expect(found(histories.join('\n'))).toEqual(TEXTS);
  });

  it('the schedule of the watch is encrypted too', async () => {
    const { raw } = await fleet.client.schedule.getHandle('watch/secretive').describe();
    const input = raw.schedule?.action?.startWorkflow?.input?.payloads ?? [];
    expect(input.map(({ metadata }) => Buffer.from(metadata?.['encoding'] ?? []).toString())).toEqual([
      'binary/encrypted',
    ]);
  });

  it('people read codes and sentences as ever', async () => {
    const { releases, spec } = await fleet.lineages.state('secretive');
    expect(spec.finetune.dataset).toBe('/data/train.jsonl');
    expect(releases[1]?.arms[0]?.failure).toEqual({
      code: 'INSPECTION_FAILED',
      message: 'INSPECTION_FAILED on purpose',
    });
    await expect(fleet.lineages.retry('secretive', 'M1', ORDER)).rejects.toMatchObject({
      code: 'RELEASE_NOT_RETRYABLE',
      message: expect.stringContaining('Release M1 is succeeded'),
    });
  });

  it('a history replays with the keys, and with newer ones beside them; not without', async () => {
    const history = await fleet.client.workflow.getHandle(RUN).fetchHistory();
    const replay = async (dataConverter: DataConverter): Promise<void> => {
      const options = { workflowBundle: await bundleFor(dataConverter), sinks: lineageSinks(new Map()) };
      await Worker.runReplayHistory({ ...options, dataConverter }, history, RUN);
    };
    await replay(converter);
    await replay(await converterOf(OLD, NEW));
    await expect(replay(await converterOf(NEW))).rejects.toThrow();
  });

  it('keys are changed under a living lineage', async () => {
    await fleet.stop();
    const rotated = new Fleet(env, await converterOf(OLD, NEW));
    fleets.push(rotated);
    await rotated.startControl({ workflowBundle: await bundleFor(converter) });
    await rotated.startOthers();
    await rotated.lineages.resume('secretive', ORDER);
    await rotated.observe('secretive', 3);
    expect((await rotated.untilEnded('secretive', 'M3')).status).toBe('succeeded');
    const history = await rotated.historyOf('lineage/secretive/run/M3/iterative');
    expect(history).toContain('2026-05');
    expect(history).not.toContain('2026-01');
  });
});

describe('the codec server', () => {
  const ORIGIN = 'http://127.0.0.1:8233';
  const TOKEN = 'a token of the test';
  const servers: ServedApp[] = [];
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
  });

  const codecOf = ({ payloadCodecs }: DataConverter): PayloadCodec => payloadCodecs![0]!;

  async function start(token: string | null = null): Promise<string> {
    const codec = codecOf(await converterOf(OLD, NEW));
    const server = await startCodecServer({ codec, host: '127.0.0.1', port: 0, origins: [ORIGIN], token });
    servers.push(server);
    return server.url;
  }

  async function ask(url: string, headers: Readonly<Record<string, string>>, body: unknown = { payloads: [] }) {
    return fetch(`${url}/decode`, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  it("shows Temporal's own command what a history says", async () => {
    const url = await start(TOKEN);
    /** With the bytes of payloads, which the command shows in base64, as text. */
    const show = async (...more: readonly string[]): Promise<string> => {
      const program = path.join(PROJECT_ROOT, '.venv', 'bin', 'temporal');
      const where = ['--address', env.address, '--namespace', env.namespace ?? 'default'];
      const args = ['workflow', 'show', ...where, '--workflow-id', RUN, '--output', 'json', ...more];
      const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 1 << 26 });
      return stdout.replace(/"data": "([^"]+)"/g, (_, data: string) => Buffer.from(data, 'base64').toString('latin1'));
    };
    const endpoint = ['--codec-endpoint', url];
    expect(found(await show())).toEqual([]);
    const shown = found(await show(...endpoint, '--codec-header', `Authorization=Bearer ${TOKEN}`));
    expect(shown).toEqual(['/data/train.jsonl', '/suites/sums', 'learningRate', 'M{release}', 'on purpose']);
  });

  it("tells a browser that Temporal's page may ask, and no other page", async () => {
    const url = await start();
    const preflight = async (origin: string) => {
      const headers = { Origin: origin, 'Access-Control-Request-Method': 'POST' };
      const { headers: answer } = await fetch(`${url}/decode`, { method: 'OPTIONS', headers });
      return answer.get('Access-Control-Allow-Origin');
    };
    expect(await preflight(ORIGIN)).toBe(ORIGIN);
    expect(await preflight('https://evil.example')).toBeNull();
    expect((await ask(url, { Origin: ORIGIN })).status).toBe(200);
    expect((await ask(url, { Origin: 'https://evil.example' })).status).toBe(401);
  });

  it('lets nobody in under a name that is not its own, nor with a wrong token', async () => {
    const open = await start();
    expect((await ask(open, {})).status).toBe(200);
    expect(await statusUnderName(open, 'rebound.example')).toBe(401);
    const guarded = await start(TOKEN);
    expect((await ask(guarded, {})).status).toBe(401);
    expect((await ask(guarded, { Authorization: `Bearer ${TOKEN}x` })).status).toBe(401);
    expect((await ask(guarded, { Authorization: `Bearer ${TOKEN}` })).status).toBe(200);
  });

  it('encodes what it decodes, and says what is wrong with a request', async () => {
    const url = await start();
    const payload = { metadata: { encoding: 'anNvbi9wbGFpbg==' }, data: 'MQ==' };
    const encode = await fetch(`${url}/encode`, { method: 'POST', body: JSON.stringify({ payloads: [payload] }) });
    const encoded: unknown = await encode.json();
    expect(JSON.stringify(encoded)).toContain(Buffer.from('binary/encrypted').toString('base64'));
    expect(await (await ask(url, {}, encoded)).json()).toEqual({ payloads: [payload] });
    expect((await ask(url, {}, { payloads: [{ data: '!' }] })).status).toBe(400);
    const foreign = await codecOf(await converterOf(makeKeyLine('other'))).encode([{ data: new Uint8Array([1]) }]);
    const json = foreign.map(({ metadata, data }) => ({
      metadata: Object.fromEntries(Object.entries(metadata!).map(([k, v]) => [k, Buffer.from(v).toString('base64')])),
      data: Buffer.from(data!).toString('base64'),
    }));
    const refused = await ask(url, {}, { payloads: json });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toEqual({ message: expect.stringContaining('codec key "other"') });
  });

  it('is not opened to others without a token', async () => {
    const options = { codec: codecOf(converter), port: 0, origins: [], token: null };
    await expect(startCodecServer({ ...options, host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'CODEC_SERVER_OPEN',
    });
  });
});

/** Fetch does not let a caller choose the Host header. */
async function statusUnderName(url: string, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${url}/decode`, { method: 'POST', headers: { Host: name } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end('{"payloads":[]}');
  });
}
