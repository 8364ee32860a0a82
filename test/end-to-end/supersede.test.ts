import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import type { ReleaseState } from '../../contracts/lineage-state.ts';
import { lineageSpecSchema } from '../../contracts/lineage-spec.schema.ts';
import { runRecordSchema } from '../../contracts/run-record.schema.ts';
import { findRelease } from '../../policy/lineage/state.ts';
import { ChaosPlace, NAME } from '../chaos/chaos-place.ts';
import { waitAtLength } from '../support/wait-at-length.ts';

/** Far more than are trained before the newer release comes. */
const STEPS = 2000;

let root: string;
let place: ChaosPlace;
beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'regraft-supersede-'));
  place = await ChaosPlace.create(root, '2s');
}, 180_000);
afterAll(async () => {
  await place.destroy();
  await rm(root, { recursive: true, force: true });
});

async function untilRelease(name: string, isSo: (entry: ReleaseState) => boolean, what: string): Promise<ReleaseState> {
  return waitAtLength(
    `${name} ${what}`,
    async () => {
      const entry = findRelease(await place.ask((lineages) => lineages.state(NAME)), name);
      return entry !== undefined && isSo(entry) && entry;
    },
    250,
  );
}

/** The last step that the trainer of M1 logged. */
async function lastLoggedStep(): Promise<number> {
  const training = path.join(place.home, 'work', 'training', NAME, 'M1');
  const [folder = ''] = await readdir(training);
  const lines = (await readFile(path.join(training, folder, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const { step } = JSON.parse(lines.at(-1) ?? '{}') as { readonly step?: number };
  return step ?? 0;
}

/** Second value of a model's tensor `w`: 1 in a base, and 1 more for a whole training. */
async function skillOf(digest: string): Promise<number> {
  const folder = await createFsArtifactStore(place.store).materialize(digest);
  const bytes = await readFile(path.join(folder, 'model.safetensors'));
  return bytes.readFloatLE(bytes.length - 4);
}

it(
  'a release that comes while a real trainer works ends it at a checkpoint, and every step is in what it starts from',
  { timeout: 300_000 },
  async () => {
    const finetune = { ...place.spec.finetune, steps: STEPS, saveEvery: 10 };
    const spec = lineageSpecSchema.parse({ ...place.spec, finetune, backlog: 'supersede' });
    const order = { actor: 'ada', reason: 'a test says so' };
    await place.ask((lineages) => lineages.apply(spec, order));
    await place.source.add({ number: 1, good: true });
    await untilRelease('M1', ({ arms }) => arms[0]?.stage === 'finetune', 'trains');
    await setTimeout(1500);
    await place.source.add({ number: 2, good: true });

    const first = await untilRelease('M1', ({ concludedAt }) => concludedAt !== null, 'is concluded');
    const stepsDone = await lastLoggedStep();
    expect(stepsDone).toBeGreaterThan(0);
    expect(stepsDone).toBeLessThan(STEPS);
    const result = first.arms[0]?.result;
    expect(first).toMatchObject({ status: 'superseded', arms: [{ status: 'superseded' }] });
    expect(result).toMatchObject({
      superseded: true,
      published: null,
      stepsInDelta: stepsDone,
      best: { step: stepsDone },
    });

    const record = runRecordSchema.parse(
      await createFsArtifactStore(place.store).getRecord(result?.recordDigest ?? ''),
    );
    expect(record.training).toMatchObject({ stepsDone, stepsLost: 0 });
    expect(record.training?.trainedSeconds).toBeGreaterThan(0);

    const second = await untilRelease('M2', ({ arms }) => arms[0]?.stage === 'finetune', 'trains');
    expect(second.arms[0]?.source).toMatchObject({ fromRelease: 'M1', steps: stepsDone });
    await place.ask((lineages) => lineages.cancel(NAME, 'M2', order));
    await untilRelease('M2', ({ concludedAt }) => concludedAt !== null, 'is cancelled');

    const recycled = await place.ask((lineages) =>
      lineages.transfer(NAME, { from: 'M1', onto: { release: 'M2' }, trains: false }, order),
    );
    expect(await skillOf(recycled.result?.startModelDigest ?? '')).toBeCloseTo(1 + stepsDone / STEPS, 5);
  },
);
