import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FinetuneSpec } from '../../contracts/lineage-spec.schema.ts';
import { DrillPlace, SAVE_EVERY, STEPS } from '../../drills/lab/drill-place.ts';
import { readOutcome } from '../../drills/lab/measure.ts';
import { makeDrillModels, type DrillModels } from '../../drills/lab/models.ts';
import { makeReferenceRun, type ReferenceRun } from '../../drills/lab/reference-run.ts';
import { checkpointsIn } from '../../drills/lab/trainer-in-folder.ts';
import { waitFor } from '../../drills/lab/wait-for.ts';
import { findPython } from '../../workers/settings.ts';
import { startSlurm, type Slurm } from '../support/slurm.ts';

const PLAIN_SCRIPT = fileURLToPath(new URL('../adapters/trainer/fixtures/plain-transformers.py', import.meta.url));
const MINUTES = 60_000;
vi.setConfig({ testTimeout: 5 * MINUTES });

let root: string;
let slurm: Slurm;
let models: DrillModels;
let reference: ReferenceRun;
const places: DrillPlace[] = [];

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'regraft-launchers-'));
  slurm = await startSlurm();
  models = await makeDrillModels(root, process.env, new AbortController().signal);
  reference = await makeReferenceRun(await createPlace('alone', {}));
}, 5 * MINUTES);

afterAll(async () => {
  await Promise.all(places.map((place) => place.end()));
  await slurm.stop();
  await rm(root, { recursive: true, force: true });
}, MINUTES);

/** One lineage with one release, on a server of its own. */
async function createPlace(name: string, finetune: Partial<FinetuneSpec>): Promise<DrillPlace> {
  const { PATH, HOME, REGRAFT_PYTHON } = process.env;
  const environment = { PATH, HOME, REGRAFT_PYTHON, SLURM_CONF: slurm.environment['SLURM_CONF'] };
  const cache = places.length === 0 ? null : reference.cache;
  const place = await DrillPlace.create({ root, name, environment, models, cache, finetune });
  places.push(place);
  return place;
}

describe('a training on Slurm', () => {
  it('is found again by another worker, resumed after a preemption, and ends as one that nobody disturbed', async () => {
    const launcher = { slurm: { gpus: 0, cpus: 1, signalBefore: '2m', options: [], partition: 'main' } };
    const place = await createPlace('on-slurm', { launcher });
    const worker = await place.startWorker();
    await place.declare();
    const first = await place.trainer();
    await first.freezeAfter(15, { steps: STEPS, saveEvery: SAVE_EVERY });
    await worker.kill();
    await place.startWorker();
    await place.untilLedger('has an adoption', ({ starts }) => starts.some(({ how }) => how === 'adopted'));
    expect((await slurm.run('squeue', '-h', '-o', '%j')).split('\n')).toHaveLength(1);

    await slurm.run('sbatch', '--partition=high', '--exclusive', '--output=/dev/null', '--wrap', 'true');
    const ledger = await place.untilLedger('has a second attempt', ({ attempts }) => attempts.length === 2);
    expect(ledger.attempts[0]?.end).toMatchObject({ code: 'TRAINER_PREEMPTED' });
    const { record, curve, finalDigest } = await readOutcome(place);
    expect(finalDigest).toBe(reference.finalDigest);
    expect(curve).toEqual(reference.curve);
    expect(record.training?.starts.map(({ how }) => how)).toEqual(['started', 'adopted', 'resumed']);
    expect(record.training?.continuity).not.toBe('broken'); // it saves when Slurm's time for that is enough
    expect(record.training?.stepsLost).toBeLessThanOrEqual(SAVE_EVERY);
  });
});

describe('an unmodified script on transformers’ Trainer', () => {
  it('is a lineage’s trainer: evaluated at each of its checkpoints, killed and resumed from one of them', async () => {
    const command = [findPython(process.env), PLAIN_SCRIPT, '--steps', '{steps}', '--save-every', '{saveEvery}'];
    const place = await createPlace('plain-script', { trainer: 'command', command });
    await place.startWorker();
    await place.declare();
    const trainer = await place.trainer();
    await waitFor(
      'the script is at its third checkpoint',
      async () => (await checkpointsIn(path.join(trainer.folder, 'checkpoints'))).length > 2 || null,
      { everyMs: 2 },
    );
    await trainer.freeze(); // a tiny model is done in no time
    await place.untilLedger('has two checkpoints', ({ checkpoints }) => checkpoints.length >= 2);
    trainer.signal('SIGKILL');
    const { record } = await readOutcome(place);

    const steps = Array.from({ length: STEPS / SAVE_EVERY }, (_, index) => (index + 1) * SAVE_EVERY);
    expect(record.evaluations.map(({ step }) => step)).toEqual([0, ...steps]);
    expect(record.training?.attempts.map(({ end }) => end?.code)).toEqual(['TRAINER_KILLED', null]);
    expect(record.training?.attempts[1]?.atStep).toBeGreaterThanOrEqual(2 * SAVE_EVERY);
    const losses = record.evaluations.map(({ suites }) => suites[0]?.lossNats ?? Infinity);
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
  });
});
