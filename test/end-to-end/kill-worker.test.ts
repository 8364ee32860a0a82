import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { trainingLedgerSchema, type TrainingLedger } from '../../contracts/training-ledger.schema.ts';
import { startDevServer, type DevServer } from '../../workers/dev-server.ts';
import { killTemporalServer } from '../support/kill-temporal-server.ts';
import { LineagePlace } from '../support/lineage-place.ts';
import { repeatedActivities } from '../support/repeated-activities.ts';
import { readRunOutcome, type RunOutcome } from '../support/run-outcome.ts';
import { loggedSteps, signalTrainer } from '../support/trainings.ts';
import { watchFlips } from '../support/watch-flips.ts';
import { OBITUARY, type KillPoint } from './fixtures/kill-points.ts';
import { makeReferenceRun, SAVE_EVERY, STEPS, type ReferenceRun } from './reference-run.ts';

const DOOMED_WORKER = fileURLToPath(new URL('fixtures/doomed-worker.ts', import.meta.url));
const MINUTES = 60_000;

// The cases wait for timeouts most of the time, so a few side by side cost little more than one.
vi.setConfig({ testTimeout: 5 * MINUTES, maxConcurrency: 3 });

let root: string;
let server: DevServer;
let reference: ReferenceRun;
const servers: DevServer[] = [];
const places: LineagePlace[] = [];

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'regraft-kill-'));
  server = await startServer('server');
  reference = await makeReferenceRun(root, server.address);
}, 6 * MINUTES);

afterAll(async () => {
  await Promise.all(places.map((place) => place.end()));
  await Promise.all(servers.map((started) => started.stop()));
  await rm(root, { recursive: true, force: true });
}, MINUTES);

async function startServer(name: string): Promise<DevServer> {
  const started = await startDevServer(path.join(root, name), process.env);
  servers.push(started);
  return started;
}

/** A lineage of its own that has concluded M1 as the reference did. */
async function createPlace(name: string, address = server.address): Promise<LineagePlace> {
  const place = await LineagePlace.create(root, name, address);
  places.push(place);
  await place.goOnFrom(reference.afterM1);
  return place;
}

/** Takes a lineage through M2 with a worker that dies on the way, then with one that does not. */
async function dieAndGoOn(
  place: LineagePlace,
  killPoint: KillPoint,
  meanwhile?: () => Promise<void>,
): Promise<RunOutcome> {
  const doomed = await place.startWorkerProgram([
    ...['--import', 'tsx', DOOMED_WORKER],
    ...[place.home, place.address, place.name, killPoint],
  ]);
  const watched = place.lineages.watchNow(place.name);
  watched.catch(() => undefined); // heard below, where a worker is there to answer
  expect(await doomed.ended).toBe('SIGKILL');
  expect(await readFile(path.join(place.home, OBITUARY), 'utf8')).toBe(killPoint);
  await place.startWorker();
  await meanwhile?.();
  expect(await watched).toEqual(['M2']);
  return outcomeOf(place);
}

/** What M2 came to, after the checks that hold whatever was killed. */
async function outcomeOf(place: LineagePlace): Promise<RunOutcome> {
  const outcome = await readRunOutcome(place, await place.waitUntilConcluded('M2'));
  expect(outcome.same).toEqual(reference.outcome.same);
  expect(await place.records('regraft.run/1')).toHaveLength(1);
  expect(await place.records('regraft.release/1')).toHaveLength(1);
  return outcome;
}

/** One trainer took every step once; whoever came later adopted it, or found it done. */
async function expectOneAttempt(place: LineagePlace, starts: RunOutcome['starts']): Promise<void> {
  expect(starts[0]).toEqual({ how: 'started', atStep: 0 });
  expect(starts.slice(1).filter(({ how }) => how !== 'adopted')).toEqual([]);
  const steps = await loggedSteps(await place.waitUntilTraining('M2', 'is there'));
  expect(steps.map(({ step }) => step)).toEqual(stepsAfter(0));
  expect(steps.filter(({ attempt }) => attempt !== 1)).toEqual([]);
}

/** The numbers of the steps that remain after a step. */
function stepsAfter(step: number): readonly number[] {
  return Array.from({ length: STEPS - step }, (_, index) => step + index + 1);
}

async function ledgerOf(place: LineagePlace, folder: string): Promise<TrainingLedger> {
  const id = path.relative(path.join(place.home, 'work', 'training'), folder);
  const digest = await place.store.readRef(`training/${id}`);
  return trainingLedgerSchema.parse(await place.store.getRecord(digest ?? ''));
}

/** Behind the first checkpoint, before the last. */
async function isInMidTraining(folder: string): Promise<boolean> {
  return (await loggedSteps(folder)).length > SAVE_EVERY + 1;
}

/** Where the worker is killed, the activity that this interrupts, and others that may be under way at that moment. */
const DEATHS: readonly { readonly stage: KillPoint; readonly interrupts: string; readonly beside?: string }[] = [
  { stage: 'pin', interrupts: 'pinRelease' },
  { stage: 'inspect', interrupts: 'inspectRelease', beside: 'announceRelease' },
  { stage: 'recycle', interrupts: 'recycleModel', beside: 'announceRelease' },
  { stage: 'baseline', interrupts: 'evaluateModel', beside: 'announceRelease' },
  { stage: 'evaluation', interrupts: 'evaluateModel', beside: 'finetuneModel' },
  { stage: 'difference', interrupts: 'differenceModel' },
  { stage: 'gate', interrupts: 'judgeCandidate' },
  { stage: 'publish-before-flip', interrupts: 'publishModel' },
  { stage: 'publish-after-flip', interrupts: 'publishModel' },
  { stage: 'record', interrupts: 'recordRun' },
  { stage: 'conclude', interrupts: 'concludeRelease' },
];

describe('a worker that is killed in the middle of a stage', () => {
  it.concurrent.each(DEATHS)('$stage: the next one ends the run with the same result', async (death) => {
    const { stage, interrupts, beside } = death;
    const place = await createPlace(stage);
    const flips = watchFlips(place.target);
    const { starts } = await dieAndGoOn(place, stage);

    expect(flips()).toEqual([reference.outcome.same.live]);
    await expectOneAttempt(place, starts);
    const repeated = await repeatedActivities(place, 'M2');
    expect(repeated.filter((activity) => activity !== beside)).toEqual([interrupts]);
  });

  it.concurrent('finetune: the next one adopts the trainer, which loses no step', async () => {
    const place = await createPlace('finetune');
    const { starts } = await dieAndGoOn(place, 'finetune', async () => {
      const folder = await place.waitUntilTraining('M2', 'is adopted', async (training) =>
        (await ledgerOf(place, training)).starts.some(({ how }) => how === 'adopted'),
      );
      expect((await loggedSteps(folder)).length).toBeLessThan(STEPS);
      await signalTrainer(folder, 'SIGCONT');
    });

    expect(starts).toMatchObject([{ how: 'started' }, { how: 'adopted' }]);
    await expectOneAttempt(place, starts);
    expect(await repeatedActivities(place, 'M2')).toEqual(['finetuneModel']);
  });
});

describe('another process that is killed in mid-training', () => {
  it.concurrent('the trainer: it is resumed from its newest checkpoint and ends in the same model', async () => {
    const place = await createPlace('trainer');
    await place.startWorker();
    await place.lineages.watchNow(place.name);
    const folder = await place.waitUntilTraining('M2', 'is in the middle', isInMidTraining);
    await signalTrainer(folder, 'SIGKILL');
    const { starts } = await outcomeOf(place);

    const resumedAt = starts[1]?.atStep ?? 0;
    expect(starts).toEqual([
      { how: 'started', atStep: 0 },
      { how: 'resumed', atStep: resumedAt },
    ]);
    const steps = await loggedSteps(folder);
    const [dead, living] = [steps.filter(({ attempt }) => attempt === 1), steps.filter(({ attempt }) => attempt === 2)];
    expect(living.map(({ step }) => step)).toEqual(stepsAfter(resumedAt));
    expect(dead.length - resumedAt).toBeLessThanOrEqual(SAVE_EVERY);
    const replayed = dead.slice(resumedAt).map(({ lossNats }) => lossNats);
    expect(living.slice(0, replayed.length).map(({ lossNats }) => lossNats)).toEqual(replayed);
  });

  it.concurrent('the server: started again on the same state it ends the run with the same result', async () => {
    const first = await startServer('own-server');
    const place = await createPlace('server-killed', first.address);
    await place.startWorker();
    await place.lineages.watchNow(place.name);
    await place.waitUntilTraining('M2', 'is in the middle', isInMidTraining);
    await killTemporalServer(path.join(root, 'own-server'));
    await first.ended;
    expect(await startServer('own-server')).toMatchObject({ adopted: false, address: first.address });
    const { starts } = await outcomeOf(place);

    await expectOneAttempt(place, starts);
  });
});
