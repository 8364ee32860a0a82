import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { apply, blend, diff, recycle, type ApplyReport, type WorkOptions } from '../../../weights/index.ts';
import { readTensorBytes } from '../../support/safetensors.ts';
import { BF16 } from '../kernel/oracle.ts';
import { LARGE_PARAMETERS, writeLargeModels, type LargeModels } from './large-models.ts';
import { recycledBits } from './reference.ts';

const SCALE = 0.7;

let models: LargeModels;
beforeAll(async () => {
  models = await writeLargeModels(await mkdtemp(join(tmpdir(), 'regraft-')));
});
afterAll(async () => {
  await rm(models.root, { recursive: true });
});

/** How a run is made; every value, and the pairs that share code, come up in RUNS. */
interface Way extends WorkOptions {
  readonly inputs: 'whole' | 'sharded';
}
const FIRST: Way = { threads: 2, pieceElements: 1_048_576, kernel: 'wasm', inputs: 'whole' };
const RUNS: readonly Way[] = [
  { threads: 0, pieceElements: 65_536, kernel: 'wasm', inputs: 'sharded' },
  { threads: 0, pieceElements: 1_048_576, kernel: 'wasm', inputs: 'whole', digests: false },
  { threads: 1, pieceElements: 131_072, kernel: 'typescript', inputs: 'whole' },
  { threads: 2, pieceElements: 65_536, kernel: 'wasm', inputs: 'whole', durable: false, health: false },
  { threads: 2, pieceElements: 131_072, kernel: 'wasm', inputs: 'sharded', digests: false },
  { threads: 2, pieceElements: 1_048_576, kernel: 'typescript', inputs: 'sharded', digests: false },
  { threads: 8, pieceElements: 65_536, kernel: 'wasm', inputs: 'whole' },
];

type Digests = Readonly<Record<string, string | null>>;

/** sha256 of every file of a folder, by name. */
async function digestsOf(folder: string): Promise<Digests> {
  const digests: Record<string, string> = {};
  for (const name of (await readdir(folder)).sort()) digests[name] = sha256(await readFile(join(folder, name)));
  return digests;
}

async function tensorDigestsOf(folder: string): Promise<Digests> {
  const digests: Record<string, string> = {};
  for (const [name, bytes] of await readTensorBytes(folder)) digests[name] = sha256(bytes);
  return digests;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const STORY = 'regraft.json';

/** The files of an output but the one that tells of its inputs' layout, and that only runs with digests write. */
function withoutStory(digests: Digests): Digests {
  return Object.fromEntries(Object.entries(digests).filter(([name]) => name !== STORY));
}

/** What a report says that must not depend on how the run was made. */
function countsOf(report: ApplyReport): unknown {
  const sizes = report.outputs.map(({ path, sizeBytes }) => ({ path, sizeBytes }));
  return { ...report, health: null, outputs: sizes.filter(({ path }) => path !== STORY) };
}

async function run({ inputs, ...options }: Way): Promise<{ report: ApplyReport; files: Digests }> {
  const out = join(models.root, 'out');
  const report = await recycle({ target: models.target, ...models[inputs], ...options, scale: SCALE, out });
  const files = await digestsOf(out);
  await rm(out, { recursive: true });
  return { report, files };
}

it('the same bytes and the same report, whatever the threads, pieces, kernel and files of the inputs', async () => {
  const first = await run(FIRST);
  expect(first.report.parametersMoved).toBe(LARGE_PARAMETERS);
  expect(LARGE_PARAMETERS).toBeGreaterThan(8 << 20); // with fewer the engine starts no thread
  expect(Object.keys(first.files)).toHaveLength(9 + 3); // weights; index, config.json, regraft.json
  expect(first.report.health?.tensors).toHaveLength(9); // of ten, one is empty
  expect(Object.values(first.report.health ?? {}).filter(Number.isFinite)).toHaveLength(3); // no previous Δ, no cosine
  const told = new Map([[FIRST.inputs, first.files[STORY] ?? null]]);
  for (const way of RUNS) {
    const name = JSON.stringify(way);
    const { report, files } = await run(way);
    expect(withoutStory(files), name).toEqual(withoutStory(first.files));
    expect(countsOf(report), name).toEqual(countsOf(first.report));
    expect(report.health, name).toEqual(way.health === false ? null : first.report.health);
    const reported = Object.fromEntries(report.outputs.map(({ path, sha256 }) => [path, sha256]));
    if (way.digests === false) {
      expect(files, name).not.toHaveProperty(STORY);
      expect(reported['model-00001-of-00009.safetensors'], name).toBeNull();
    } else {
      expect(reported, name).toEqual(files);
      told.set(way.inputs, told.get(way.inputs) ?? files[STORY] ?? null);
      expect(files[STORY], name).toBe(told.get(way.inputs));
    }
  }
}, 120_000);

it('the same values in any files that the output is laid out in, equal to the reference', async () => {
  const { root, target, whole } = models;
  const make = async (name: string, maxShardBytes?: number): Promise<string> => {
    const out = join(root, name);
    const shape = maxShardBytes === undefined ? {} : { maxShardBytes };
    await recycle({ target, ...whole, ...shape, scale: SCALE, out, threads: 2, durable: false, digests: false });
    return out;
  };
  const asTarget = await make('as the target');
  const expected = await tensorDigestsOf(asTarget);
  expect(Object.keys(expected)).toHaveLength(10);
  const few = await make('few', 6_000_000);
  const one = await make('one', 1e9);
  expect(await tensorDigestsOf(few)).toEqual(expected);
  expect(await tensorDigestsOf(one)).toEqual(expected);
  const weightFiles = async (folder: string): Promise<readonly string[]> =>
    (await readdir(folder)).filter((name) => name.endsWith('.safetensors'));
  expect(await weightFiles(one)).toEqual(['model.safetensors']);
  expect((await weightFiles(few)).length).toBeGreaterThan(2);
  // A target in one file, recycled again: what is in it does not depend on how it was stored either.
  const onto = async (folder: string): Promise<Digests> => {
    const out = join(root, 'again');
    await recycle({ target: folder, ...models.sharded, scale: -SCALE, out, durable: false, health: false });
    const digests = await tensorDigestsOf(out);
    await rm(out, { recursive: true });
    return digests;
  };
  expect(await onto(one)).toEqual(await onto(asTarget));
  expect(await compareSome(models, asTarget)).toBeGreaterThan(100_000);
}, 120_000);

it('a stored delta, what is made with it, and a blend: the same bytes too', async () => {
  const { root, target, whole, sharded } = models;
  const ways = [
    { pair: whole, threads: 2, pieceElements: 1_048_576, kernel: 'wasm' },
    { pair: sharded, threads: 1, pieceElements: 65_536, kernel: 'wasm' },
    { pair: sharded, threads: 0, pieceElements: 131_072, kernel: 'typescript' },
  ] as const;
  const made: unknown[] = [];
  for (const [index, { pair, ...how }] of ways.entries()) {
    const options = { ...how, durable: false };
    const folder = (name: string): string => join(root, `${name}-${index}`);
    const { manifest } = await diff({ ...pair, ...options, out: folder('delta'), maxShardBytes: 8e6 });
    const terms = [SCALE, -0.1].map((scale) => ({ folder: folder('delta'), scale }));
    const { health } = await apply({ target, deltas: terms, ...options, out: folder('applied') });
    await blend({ one: target, other: pair.tuned, weight: 0.3, ...options, out: folder('blended') });
    const files = await Promise.all(['delta', 'applied', 'blended'].map((name) => digestsOf(folder(name))));
    const weights = files.flatMap((of) => Object.entries(of).filter(([name]) => /\.(delta|safetensors)$/.test(name)));
    expect(weights.length).toBeGreaterThan(18 + 4);
    made.push({ weights, health, norm: manifest.norm });
    for (const name of ['delta', 'applied', 'blended']) await rm(folder(name), { recursive: true });
  }
  expect(made[1]).toEqual(made[0]);
  expect(made[2]).toEqual(made[0]);
}, 120_000);

/** Compares every 89th element, and those around the ends of pieces, with the reference; returns how many. */
async function compareSome({ target, whole }: LargeModels, out: string): Promise<number> {
  const folders = [target, whole.tuned, whole.base, out];
  const [targets, tuneds, bases, outs] = await Promise.all(folders.map((folder) => readTensorBytes(folder)));
  let compared = 0;
  for (const name of targets?.keys() ?? []) {
    const [t, a, b, o] = [targets, tuneds, bases, outs].map(
      (model) => new DataView((model?.get(name) ?? new Uint8Array()).slice().buffer),
    );
    const bits = (view: DataView | undefined, index: number) => ({
      format: BF16,
      bits: BigInt(view?.getUint16(index * 2, true) ?? 0),
    });
    const count = (t?.byteLength ?? 0) / 2;
    for (let i = 0; i < count; i++) {
      const isNearBorder = (i + 9) % 65_536 < 18 || i > count - 18;
      if (i % 89 !== 0 && !isNearBorder) continue;
      compared += 1;
      const expected = recycledBits(BF16, { target: bits(t, i), tuned: bits(a, i), base: bits(b, i) }, SCALE);
      if (bits(o, i).bits !== expected) expect.fail(`${name}[${i}]: found ${bits(o, i).bits}, expected ${expected}`);
    }
  }
  return compared;
}
