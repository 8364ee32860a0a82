import { cp, mkdtemp, mkdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectivityRecordSchema } from '../../contracts/connectivity.schema.ts';
import type { ReleaseState } from '../../contracts/lineage-state.ts';
import { releaseRecordSchema, runRecordSchema, type RunRecord } from '../../contracts/run-record.schema.ts';
import { startDevServer, type DevServer } from '../../workers/dev-server.ts';
import { LineagePlace } from '../support/lineage-place.ts';
import { makeSpec } from '../support/lineage-values.ts';
import { makeTinyFamily } from '../support/tiny-family.ts';

const MINUTES = 60_000;
/** Far more than a curve that stays flat is given. */
const STEPS = 600;
const ORDER = { actor: 'the test', reason: 'to see what is decided' };

let root: string;
let server: DevServer;
let place: LineagePlace;
let releases: readonly ReleaseState[];
const runs = new Map<string, RunRecord>();

/** One lineage with everything that decides, on real models, through two releases. */
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'regraft-decisions-'));
  server = await startDevServer(path.join(root, 'server'), process.env);
  const made = await makeTinyFamily(root);
  place = await LineagePlace.create(root, 'decisions', server.address);
  await place.startWorker();
  const spec = makeSpec({
    name: place.name,
    family: { folder: path.join(root, 'family'), names: 'M{release}', order: ['release'], pollEvery: '1h' },
    strategy: 'auto',
    auto: { scales: [0.5, 1] },
    controls: ['plain'],
    finetune: {
      ...{ dataset: made.dataset, steps: STEPS, saveEvery: 5, maxLength: 32 },
      ...{ learningRate: 1e-6, batchSize: 16 }, // learns nothing: its curve is flat
    },
    evaluate: [{ name: 'desc', suite: made.suite }],
    probe: { suite: path.join(path.dirname(made.suite), 'pretraining'), points: 3 },
    stop: { plateau: { evaluations: 2 } },
    gate: { against: ['published', 'base', 'plain', 'previous'], nonInferior: { desc: 0.2 } },
    publish: [{ folder: place.target }],
  });
  await release(made.releases, 'M1');
  await place.lineages.apply(spec, ORDER);
  await place.waitUntilConcluded('M1');
  await release(made.releases, 'M2');
  await place.lineages.watchNow(place.name);
  await place.waitUntilConcluded('M2');
  ({ releases } = await place.lineages.state(place.name));
  for (const { release: pinned, arms } of releases) {
    for (const { arm, result } of arms) {
      if (result === null) continue;
      runs.set(`${pinned.name} ${arm}`, runRecordSchema.parse(await place.store.getRecord(result.recordDigest)));
    }
  }
}, 5 * MINUTES);
afterAll(async () => {
  await place.end();
  await server.stop();
  await rm(root, { recursive: true, force: true });
});

/** Lets a release appear, whole at once. */
async function release(from: string, name: string): Promise<void> {
  const family = path.join(root, 'family');
  await mkdir(family, { recursive: true });
  await cp(path.join(from, name), path.join(family, `.${name}`), { recursive: true });
  await rename(path.join(family, `.${name}`), path.join(family, name));
}

function run(name: string): RunRecord {
  const record = runs.get(name);
  if (record === undefined) throw new Error(`no run ${name}; there are ${[...runs.keys()].join(', ')}`);
  return record;
}

describe('a lineage that decides from measurements', () => {
  it('takes both releases to their end', () => {
    expect(releases.map(({ release: pinned, status }) => `${pinned.name} ${status}`)).toEqual([
      'M1 succeeded',
      'M2 succeeded',
    ]);
    expect([...runs.keys()]).toEqual(['M1 auto', 'M2 auto', 'M2 plain']);
  });

  it('ends trainings whose curve is flat, keeps what they saved, and says how many steps that spared', () => {
    for (const [name, { training, convergence, final, evaluations }] of runs) {
      expect(convergence, name).toMatchObject({ state: 'plateau', stop: true });
      expect(training?.stepsDone, name).toBeLessThan(STEPS);
      expect(training?.attempts.at(-1)?.end?.code, name).toBe('TRAINER_STOPPED');
      expect(final.step, name).toBe(training?.stepsDone);
      expect(convergence?.stepsSaved, name).toBeGreaterThan(0);
      const saved = training?.checkpoints.map(({ step }) => step) ?? [];
      expect(
        evaluations.map(({ step }) => step),
        name,
      ).toEqual([0, ...saved]);
    }
  });

  it('measures the base, a merge for each λ and the old fine-tune, and records what it chose and why', () => {
    const { choice, startModelDigest, source, evaluations } = run('M2 auto');
    expect(choice?.kind).toBe('finetune');
    expect(choice?.measurements.merges.map(({ scale, gate }) => [scale, gate])).toEqual([
      [0.5, 'pass'],
      [1, 'pass'],
    ]);
    expect(choice?.measurements.base.modelDigest).toBe(releases[1]?.release.digest);
    expect(choice?.measurements.oldFinetune?.release).toBe('M1');
    expect(startModelDigest).toBe(choice?.measurements.merges[1]?.modelDigest);
    expect(evaluations[0]?.modelDigest).toBe(startModelDigest);
    expect(source?.deltaDigest).toBe(run('M1 auto').deltaDigest);
    expect(run('M1 auto').choice).toBeNull();
  });

  it('walks the lines between the models before it trains, and finds no barrier between neighbours', async () => {
    const { connectivity } = run('M2 auto');
    const record = connectivityRecordSchema.parse(await place.store.getRecord(connectivity?.recordDigest ?? ''));
    expect(record.lines.map(({ line, points }) => [line, points.length])).toEqual([
      ['bases', 3],
      ['tuned', 3],
    ]);
    for (const { barrierNats } of record.lines) expect(barrierNats).toBeLessThan(0.05);
  });

  it('is gated against what is live, its base, the plain arm and the release before, each check in a sentence', () => {
    const { gate } = run('M2 auto');
    expect(gate).toMatchObject({ decision: 'pass', absent: [] });
    expect(gate?.checks.map(({ suite, rule, reference, pass }) => [suite, rule, reference?.kind, pass])).toEqual(
      ['published', 'base', 'plain', 'previous'].map((kind) => ['desc', 'nonInferior', kind, true]),
    );
    for (const check of gate?.checks ?? []) expect(check.sentence.length).toBeGreaterThan(40);
    expect(run('M1 auto').gate?.absent).toEqual(expect.arrayContaining(['published', 'plain', 'previous']));
  });

  it('says what steps to target are counted against', async () => {
    const record = releaseRecordSchema.parse(await place.store.getRecord(releases[1]?.recordDigest ?? ''));
    const kinds = record.arms.map(({ arm, target }) => [arm, target?.reference.kind]);
    expect(kinds).toEqual([
      ['auto', 'plain'],
      ['plain', 'plain'],
    ]);
  });
});
