import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProbeActivities, type ProbeInput } from '../../activities/probe.ts';
import type { ArtifactStore } from '../../activities/ports.ts';
import { createFileDataReader } from '../../adapters/data/file-data-reader.ts';
import { createEvaluators } from '../../adapters/evaluate/evaluators.ts';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import { openFsWorkspace } from '../../adapters/workspace/fs-workspace.ts';
import { connectivityRecordSchema, type ConnectivityRecord } from '../../contracts/connectivity.schema.ts';
import { createMetrics } from '../../metrics/registry.ts';
import { apply, blend, diff, openModel } from '../../weights/index.ts';
import { findPython, PROJECT_ROOT, trainerEnvironment } from '../../workers/settings.ts';
import { runActivity } from '../support/run-activity.ts';

const never = new AbortController().signal;
const KEY = { lineage: 'probed', release: 'M2', arm: 'iterative' } as const;

let root: string;
let store: ArtifactStore;
/** Models by name: two releases of one pretraining run, the same of another seed, and a fine-tune of the first. */
const digests = new Map<string, string>();

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'regraft-probe-'));
  store = createFsArtifactStore(path.join(root, 'store'));
  const place = (...names: readonly string[]): string => path.join(root, ...names);
  const seeds = ['0', '1'];
  await Promise.all([
    ...seeds.map((seed) =>
      demo(
        'pretrain.py',
        '--family',
        place(seed),
        '--state',
        place(`state ${seed}`),
        '--releases',
        '200,60',
        '--seed',
        seed,
      ),
    ),
    demo('make_task.py', '--out', place('task'), '--train', '10', '--test', '10'),
  ]);
  for (const seed of seeds) for (const name of ['M1', 'M2']) await keepModel(`${seed}/${name}`, place(seed, name));
  await blend({ one: place('0', 'M1'), other: place('0', 'M2'), weight: 0.5, out: place('tuned') });
  await keepModel('tuned', place('tuned'));
  const parents = { tuned: digestOf('tuned'), base: digestOf('0/M1') };
  const { outputs } = await diff({ tuned: place('tuned'), base: place('0', 'M1'), out: place('delta'), parents });
  const files = outputs.map((output) => output.path);
  const provenance = { kind: 'difference', ...parents } as const;
  const kept = { kind: 'delta', folder: place('delta'), files, provenance, take: 'copy', signal: never } as const;
  digests.set('delta', (await store.putFolder(kept)).digest);
  for (const seed of seeds) {
    const target = place(seed, 'M2');
    await apply({ target, deltas: [{ folder: place('delta'), scale: 1 }], out: place(`${seed} recycled`) });
    await keepModel(`${seed}/recycled`, place(`${seed} recycled`));
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function demo(script: string, ...args: readonly string[]): Promise<void> {
  const file = path.join(PROJECT_ROOT, 'scripts', 'demo', script);
  await promisify(execFile)(findPython(process.env), [file, ...args], { env: trainerEnvironment(process.env) });
}

async function keepModel(name: string, folder: string): Promise<void> {
  const { files } = await openModel(folder);
  const provenance = { kind: 'release', name, uri: `file://${folder}` } as const;
  const { digest } = await store.putFolder({ kind: 'model', folder, files, provenance, take: 'copy', signal: never });
  digests.set(name, digest);
}

function digestOf(name: string): string {
  const digest = digests.get(name);
  if (digest === undefined) throw new Error(`no model is called ${name}`);
  return digest;
}

async function setUp() {
  const metrics = createMetrics();
  const workspace = await openFsWorkspace(path.join(root, 'work'));
  const python = findPython(process.env);
  const environment = trainerEnvironment(process.env);
  const evaluators = createEvaluators({ threads: 1, python, environment, scratch: workspace });
  const activities = createProbeActivities({ store, workspace, metrics, evaluators, data: createFileDataReader() });
  const suite = path.join(root, 'task', 'suites', 'pretraining');
  const inputTo = (seed: string, fields: Partial<ProbeInput> = {}): ProbeInput => ({
    ...{ key: KEY, target: digestOf(`${seed}/M2`), delta: digestOf('delta'), recycled: digestOf(`${seed}/recycled`) },
    probe: { suite, harness: 'onnx', points: 5 },
    ...fields,
  });
  const probe = (input: ProbeInput) => runActivity(activities.probeConnectivity, input);
  const recordOf = async (recordDigest: string): Promise<ConnectivityRecord> =>
    connectivityRecordSchema.parse(await store.getRecord(recordDigest));
  return { metrics, inputTo, probe, recordOf };
}

describe('probeConnectivity', () => {
  it('finds no barrier between successive releases of one run', async () => {
    const { inputTo, probe, recordOf, metrics } = await setUp();
    const { recordDigest, barriersNats, drift } = await probe(inputTo('0'));
    expect(barriersNats.bases).toBeLessThan(0.05);
    expect(barriersNats.tuned).toBeLessThan(0.05);
    expect(drift.relativeNorm).toBeLessThan(0.5);
    expect(drift.cosine, 'half the way of the base is the Δ here').toBeCloseTo(1, 3);
    expect(drift.norm).toBeCloseTo(2 * (drift.deltaNorm ?? 0), 3);

    const { lines, groups } = await recordOf(recordDigest);
    expect(lines.map(({ line, from, to, points }) => [line, from, to, points.map(({ at }) => at)])).toEqual([
      ['bases', digestOf('0/M1'), digestOf('0/M2'), [0, 0.25, 0.5, 0.75, 1]],
      ['tuned', digestOf('tuned'), digestOf('0/recycled'), [0, 0.25, 0.5, 0.75, 1]],
    ]);
    const [bases] = lines;
    expect(bases?.points[4]?.lossNats, 'pretraining went on').toBeLessThan(bases?.points[0]?.lossNats ?? 0);
    expect(groups.map(({ group }) => group)).toEqual(
      expect.arrayContaining(['embedding', 'layer 0 attention', 'layer 1 mlp', 'norms', 'head']),
    );
    const squares = groups.reduce((sum, { norm }) => sum + (norm ?? 0) ** 2, 0);
    expect(Math.sqrt(squares)).toBeCloseTo(drift.norm ?? 0, 6);
    expect(await metrics.exposition()).toMatch(/regraft_connectivity_barrier_nats\{[^}]*line="tuned"[^}]*\} 0/);
  });

  it('finds a high one between unrelated seeds, and a Δ that has nothing to do with the way between them', async () => {
    const { inputTo, probe, recordOf } = await setUp();
    const { recordDigest, barriersNats, drift } = await probe(inputTo('1'));
    expect(barriersNats.bases).toBeGreaterThan(0.5);
    expect(barriersNats.tuned).toBeGreaterThan(0.5);
    expect(Math.abs(drift.cosine ?? 1)).toBeLessThan(0.3);
    const { lines, groups } = await recordOf(recordDigest);
    const embedding = groups.find(({ group }) => group === 'embedding');
    expect(embedding?.relativeNorm, 'unrelated weights lie at √2').toBeGreaterThan(1);
    const [first, , middle, , last] = lines[0]?.points ?? [];
    expect(middle?.lossNats).toBeGreaterThan(Math.max(first?.lossNats ?? Infinity, last?.lossNats ?? Infinity));
  });

  it('does the work once, and leaves nothing lying about', async () => {
    const { inputTo, probe } = await setUp();
    const first = await probe(inputTo('0'));
    const blind = { suite: inputTo('0').probe.suite, harness: 'onnx', points: 5 } as const;
    expect(await probe(inputTo('0', { probe: blind }))).toEqual(first);
    expect((await probe(inputTo('0', { probe: { ...blind, points: 3 } }))).recordDigest).not.toBe(first.recordDigest);
    expect(await readdir(path.join(root, 'work'), { recursive: true })).not.toContainEqual(
      expect.stringContaining('at-'),
    );
  });

  it('says what is wrong when the Δ has no parents', async () => {
    const { inputTo, probe } = await setUp();
    await expect(probe(inputTo('0', { delta: digestOf('0/M1') }))).rejects.toMatchObject({
      type: 'PROBE_NO_PARENTS',
      nonRetryable: true,
    });
  });
});
