import { access, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import { connectClient, findTemporal } from '../../client/connection.ts';
import { createLineages, type Lineages } from '../../client/lineages.ts';
import { lineageSpecSchema } from '../../contracts/lineage-spec.schema.ts';
import { runRecordSchema, type RunRecord } from '../../contracts/run-record.schema.ts';
import { trainingLedgerSchema } from '../../contracts/training-ledger.schema.ts';
import { makeDrillModels, type DrillModels } from '../../drills/lab/models.ts';
import { startDevServer, type DevServer } from '../../workers/dev-server.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { codecKeys, makeKeyLine, writePrivate } from '../support/codec-keys.ts';
import { startGrpcProxy, type GrpcProxy } from '../support/grpc-proxy.ts';
import { formatHistory } from '../support/histories.ts';
import { canIsolate, startOwnMachine, startWayOut, type OwnMachine } from '../support/own-network.ts';
import { killProcessesOf } from '../support/processes-of.ts';
import { ORDER } from '../support/service.ts';
import { waitAtLength } from '../support/wait-at-length.ts';

const MINUTES = 60_000;
vi.setConfig({ testTimeout: 5 * MINUTES });

const NAME = 'spread';
const [STEPS, SAVE_EVERY] = [300, 50];
const [API_KEY, HUB_TOKEN] = ['the api key of the test', 'hf_ofTheWorkers'];

let root: string;
let models: DrillModels;
let server: DevServer;
let proxy: GrpcProxy;
let wayOut: net.Server;
let environment: Readonly<Record<string, string | undefined>>;
let client: Client;
let lineages: Lineages;
let isolate: boolean;
const machines: OwnMachine[] = [];

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'regraft-hosts-'));
  isolate = await canIsolate();
  console.log(`workers run ${isolate ? 'in namespaces of their own' : 'side by side: no namespaces can be made here'}`);
  models = await makeDrillModels(root, process.env, new AbortController().signal);
  server = await startDevServer(path.join(root, 'server'), process.env);
  const authority = await makeAuthority(root, 'authority');
  const certificate = await makeCertificate(root, 'server', authority);
  const mine = await makeCertificate(root, 'client', authority);
  proxy = await startGrpcProxy({ backend: server.address, certificate, clients: authority, apiKey: API_KEY });
  wayOut = await startWayOut(path.join(root, 'way-out'), proxy.port);
  const secrets = `task: ${models.dataset}\nsuite: ${models.suite}\n`;
  const { PATH, HOME, REGRAFT_PYTHON } = process.env;
  environment = {
    ...{ PATH, HOME, REGRAFT_PYTHON, CUDA_VISIBLE_DEVICES: '', HF_TOKEN: HUB_TOKEN },
    TEMPORAL_ADDRESS: `localhost:${String(proxy.port)}`,
    TEMPORAL_API_KEY: API_KEY,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.crt,
    TEMPORAL_TLS_CLIENT_CERT_PATH: mine.crt,
    TEMPORAL_TLS_CLIENT_KEY_PATH: mine.key,
    REGRAFT_CODEC_KEYS: await writePrivate('codec-keys', codecKeys([makeKeyLine('2026-05')]), 0o600, root),
    REGRAFT_SECRETS: await writePrivate('secrets', secrets, 0o600, root),
  };
  client = await connectClient(await findTemporal(root, environment));
  lineages = createLineages(client);
}, 3 * MINUTES);

afterAll(async () => {
  await Promise.all(machines.map((machine) => machine.vanish()));
  await client.connection.close();
  wayOut.close();
  await proxy.close();
  await server.stop();
  await killProcessesOf(root); // where there are no namespaces, trainers outlive their machines
  await rm(root, { recursive: true, force: true });
}, MINUTES);

async function startMachine(name: string, queues: string): Promise<OwnMachine> {
  const home = path.join(root, name);
  await mkdir(home);
  const machine = await startOwnMachine({
    ...{ name, isolate, environment, socket: path.join(root, 'way-out'), log: path.join(home, 'worker.log') },
    args: ['--queues', queues, '--slots', '2', '--home', home, '--store', path.join(root, 'store')],
  });
  machines.push(machine);
  return machine;
}

/** Waits until a machine has begun the training and the store has a checkpoint of it. */
async function untilCheckpoint(machine: string): Promise<void> {
  const store = createFsArtifactStore(path.join(root, 'store'));
  const trainings = path.join(root, machine, 'work', 'training', NAME, 'M1');
  await waitAtLength(`${machine} has committed a checkpoint`, async () => {
    const [training] = await readdir(trainings).catch(() => []);
    if (training === undefined) return null;
    const digest = await store.readRef(`training/${NAME}/M1/${training}`);
    return digest !== null && trainingLedgerSchema.parse(await store.getRecord(digest)).checkpoints.length > 0;
  });
}

async function recordOf(): Promise<RunRecord> {
  const digest = await waitAtLength(
    'the run is over',
    async () => {
      const [release] = (await lineages.state(NAME)).releases;
      if (release?.status === 'failed') throw new Error(JSON.stringify(release.arms));
      return release !== undefined && release.concludedAt !== null && (release.arms[0]?.result?.recordDigest ?? null);
    },
    250,
  );
  return runRecordSchema.parse(await createFsArtifactStore(path.join(root, 'store')).getRecord(digest));
}

it('machines that share a store and reach nothing but Temporal finish one run; one that vanishes costs one retry', async () => {
  const [first] = await Promise.all([
    startMachine('host-one', 'gpu-tiny'),
    startMachine('host-main', 'control,io,cpu,evaluate'),
  ]);
  await lineages.apply(
    lineageSpecSchema.parse({
      name: NAME,
      family: { folder: models.family, names: 'M{release}', order: ['release'], pollEvery: '24h' },
      strategy: 'plain',
      finetune: {
        ...{ dataset: 'secret://task', queue: 'gpu-tiny', steps: STEPS, saveEvery: SAVE_EVERY, learningRate: 1e-3 },
        ...{ batchSize: 64, maxLength: 32, seed: 17 },
      },
      evaluate: [{ name: 'desc', suite: 'secret://suite' }],
    }),
    ORDER,
  );
  await untilCheckpoint('host-one');
  await first.vanish();
  if (!isolate) await killProcessesOf(path.join(root, 'host-one'));
  await startMachine('host-two', 'gpu-tiny');

  const { training } = await recordOf();
  expect(training?.starts.map(({ how }) => how)).toEqual(['started', 'resumed']);
  expect(training?.starts[1]?.atStep).toBeGreaterThanOrEqual(SAVE_EVERY);
  expect(training?.stepsDone).toBe(STEPS);
  const hosts = training?.attempts.map(({ host }) => host.split('/')[0]);
  if (isolate) expect(hosts).toEqual(['host-one', 'host-two']);
  expect(await readdir(path.join(root, 'host-main', 'work')).catch(() => [])).not.toContain('training');
  await access(path.join(root, 'host-two', 'work', 'training', NAME));

  const history = await client.workflow.getHandle(`lineage/${NAME}/run/M1/plain`).fetchHistory();
  const scheduled = new Map(
    (history.events ?? []).flatMap((event) => {
      const { activityType, taskQueue } = event.activityTaskScheduledEventAttributes ?? {};
      return activityType?.name
        ? [[String(event.eventId), { activity: activityType.name, queue: taskQueue?.name }]]
        : [];
    }),
  );
  const tries = (history.events ?? []).flatMap((event) => {
    const started = event.activityTaskStartedEventAttributes;
    return started ? [{ ...scheduled.get(String(started.scheduledEventId)), tries: started.attempt }] : [];
  });
  const trained = tries.filter(({ activity }) => activity === 'finetuneModel');
  expect(trained).toEqual([{ activity: 'finetuneModel', queue: 'regraft-gpu-tiny', tries: 2 }]);
  expect(tries.filter((other) => other.tries !== 1 && other.activity !== 'finetuneModel')).toEqual([]);
  expect(proxy.authorizations).toEqual(new Set([`Bearer ${API_KEY}`]));
  await expectNothingTold();
});

/** Of all that the spec says, and of all that the workers know, no history has a word. */
async function expectNothingTold(): Promise<void> {
  const texts: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    texts.push(formatHistory(await client.workflow.getHandle(workflowId, runId).fetchHistory()));
  }
  expect(texts.length).toBeGreaterThanOrEqual(3);
  const told = ['secret://', root, models.dataset, 'learningRate', ORDER.reason, API_KEY, HUB_TOKEN];
  expect(told.filter((text) => texts.some((history) => history.includes(text)))).toEqual([]);
}
