import { formatHistory } from './histories.ts';
import { failure } from './scripted-work.ts';
import { ORDER, Service } from './service.ts';
import { startTemporal } from './temporal-server.ts';
import { waitAtLength } from './wait-at-length.ts';
import { waitUntil } from './wait-until.ts';

/** A workflow whose history is worth keeping. */
interface Kept {
  readonly name: string;
  readonly workflowId: string;
  readonly runId?: string;
}

type Scenario = (service: Service) => Promise<readonly Kept[]>;

/** Events after which a lineage begins anew: more than two releases make, and few enough for a short file. */
const LONG_HISTORY = 150;

/** Lives the main paths on a real server and returns the histories that they left, as JSON, by name. */
export async function recordHistories(): Promise<ReadonlyMap<string, string>> {
  const recorded = new Map<string, string>();
  const env = await startTemporal({ 'limit.historyCount.suggestContinueAsNew': LONG_HISTORY });
  const service = await Service.start(env);
  try {
    for (const scenario of SCENARIOS) {
      for (const { name, workflowId, runId } of await scenario(service)) {
        const history = await env.client.workflow.getHandle(workflowId, runId).fetchHistory();
        recorded.set(name, formatHistory(history));
      }
    }
  } finally {
    await service.stop();
  }
  return recorded;
}

const runOf = (lineage: string, release: string, arm = 'iterative'): string =>
  `lineage/${lineage}/run/${release}/${arm}`;

const twoReleases: Scenario = async (service) => {
  const script = await service.create('two-releases', {
    controls: ['direct', 'plain'],
    gate: { nonInferior: { sums: 0.1 } },
    publish: [{ folder: '/live' }],
  });
  await service.observe('two-releases', 1, 2);
  await service.until('two-releases', 'M2', 'succeeded');
  script.source = [];
  return [
    { name: 'lineage-two-releases', workflowId: 'lineage/two-releases' },
    { name: 'run-from-base', workflowId: runOf('two-releases', 'M1') },
    { name: 'run-with-source', workflowId: runOf('two-releases', 'M2') },
    { name: 'run-of-control', workflowId: runOf('two-releases', 'M2', 'plain') },
  ];
};

const decided: Scenario = async (service) => {
  const script = await service.create('decided', {
    strategy: 'auto',
    auto: { scales: [0.5, 1] },
    controls: ['plain'],
    probe: { suite: '/suites/text.txt' },
    stop: { target: 0.55 },
    gate: { against: ['published', 'base', 'plain', 'previous'], nonInferior: { sums: 0.1 } },
  });
  service.holdTraining('decided').proceedTo(50);
  await service.observe('decided', 1, 2);
  await service.until('decided', 'M2', 'succeeded');
  script.source = [];
  return [
    { name: 'lineage-tells-of-plain', workflowId: 'lineage/decided' },
    { name: 'run-with-decisions', workflowId: runOf('decided', 'M2', 'auto') },
  ];
};

const pausedInTraining: Scenario = async (service) => {
  await service.create('paused');
  const training = service.holdTraining('paused');
  training.proceedTo(50);
  await service.observe('paused', 1);
  await waitUntil('step 50 is saved', async () => training.saved === 50);
  await service.lineages.pause('paused', ORDER);
  await waitUntil('the training is cancelled', async () => training.cancelled === 1);
  training.proceedTo(100);
  await service.lineages.resume('paused', ORDER);
  await service.until('paused', 'M1', 'succeeded');
  return [
    { name: 'lineage-paused-and-resumed', workflowId: 'lineage/paused' },
    { name: 'run-held-in-training', workflowId: runOf('paused', 'M1') },
  ];
};

const cancelled: Scenario = async (service) => {
  await service.create('cancelled');
  const training = service.holdTraining('cancelled');
  await service.observe('cancelled', 1, 2);
  await training.untilRunning();
  await service.lineages.cancel('cancelled', 'M1', ORDER);
  training.proceedTo(100);
  await service.until('cancelled', 'M2', 'succeeded');
  return [
    { name: 'lineage-cancelled-release', workflowId: 'lineage/cancelled' },
    { name: 'run-cancelled', workflowId: runOf('cancelled', 'M1') },
  ];
};

const failedAndRetried: Scenario = async (service) => {
  const script = await service.create('failed');
  const training = service.holdTraining('failed');
  training.proceedTo(50);
  script.instead.evaluateModel = async (input) => {
    if (input.step > 0) throw failure('SUITE_INVALID', { retryable: false });
    return script.usual.evaluateModel(input);
  };
  await service.observe('failed', 1);
  await service.until('failed', 'M1', 'failed');
  const { runId } = await service.env.client.workflow.getHandle(runOf('failed', 'M1')).describe();
  script.instead = {};
  await service.lineages.retry('failed', 'M1', ORDER);
  await service.until('failed', 'M1', 'succeeded');
  return [
    { name: 'lineage-failed-and-retried', workflowId: 'lineage/failed' },
    { name: 'run-failed', workflowId: runOf('failed', 'M1'), runId },
  ];
};

const continuedAsNew: Scenario = async (service) => {
  await service.create('continued', { controls: ['plain'] });
  const handle = service.env.client.workflow.getHandle('lineage/continued');
  const { runId } = await handle.describe();
  for (let release = 1; (await handle.describe()).runId === runId; release += 1) {
    await service.observe('continued', release);
    await service.until('continued', `M${String(release)}`, 'succeeded');
    await service.untilQuiet('lineage/continued');
  }
  const next = await waitAtLength('it began anew', async () => {
    const { runId: current } = await handle.describe();
    return current !== runId && current;
  });
  await service.observe('continued', 100);
  await service.until('continued', 'M100', 'succeeded');
  return [
    { name: 'lineage-until-continued', workflowId: 'lineage/continued', runId },
    { name: 'lineage-after-continued', workflowId: 'lineage/continued', runId: next },
  ];
};

const superseded: Scenario = async (service) => {
  const script = await service.create('superseded', {
    backlog: 'supersede',
    controls: ['plain', 'direct'],
    concurrency: 1,
  });
  const training = service.holdTraining('superseded');
  script.instead.finetuneModel = (input) =>
    input.key.release === 'M1' ? training.finetuneModel(input) : script.usual.finetuneModel(input);
  await service.observe('superseded', 1);
  await training.untilRunning();
  training.proceedTo(50);
  await waitUntil('step 50 is saved', async () => training.saved === 50);
  await service.observe('superseded', 2, 3);
  await service.until('superseded', 'M3', 'succeeded');
  return [
    { name: 'lineage-superseded', workflowId: 'lineage/superseded' },
    { name: 'run-superseded', workflowId: runOf('superseded', 'M1') },
  ];
};

const approved: Scenario = async (service) => {
  await service.create('approved', { gate: { approval: 'manual' }, publish: [{ folder: '/live' }] });
  for (const number of [1, 2]) {
    const release = `M${String(number)}`;
    await service.observe('approved', number);
    await waitUntil(`${release} waits for approval`, async () => {
      const { releases } = await service.lineages.state('approved');
      return releases.at(-1)?.arms[0]?.stage === 'approval';
    });
    await service.lineages.approve('approved', release, ORDER);
    await service.until('approved', release, 'succeeded');
  }
  await service.untilQuiet('lineage/approved'); // it may begin anew
  const { runId } = await service.env.client.workflow.getHandle('lineage/approved').describe();
  await service.lineages.rollback('approved', null, ORDER);
  await service.lineages.restart('approved', ORDER);
  await service.lineages.transfer('approved', { from: 'M2', onto: { release: 'M1' }, trains: false }, ORDER);
  return [
    { name: 'lineage-approved-and-rolled-back', workflowId: 'lineage/approved', runId },
    { name: 'run-approved', workflowId: runOf('approved', 'M2') },
    { name: 'run-of-transfer', workflowId: 'lineage/approved/transfer/M1+ΔM2/transfer-only' },
  ];
};

const overBudget: Scenario = async (service) => {
  const budget = { run: { gpuHours: 30 / 3600, wallTime: '1h' }, lineage: { steps: 50 } };
  const gate = { approval: { timeout: '1s', otherwise: 'approve' } };
  await service.create('over-budget', { budget, gate });
  service.holdTraining('over-budget').proceedTo(50);
  await service.observe('over-budget', 1, 2);
  await service.until('over-budget', 'M1', 'succeeded');
  await waitUntil('it is paused', async () => (await service.lineages.state('over-budget')).paused !== null);
  return [
    { name: 'lineage-over-budget', workflowId: 'lineage/over-budget' },
    { name: 'run-over-budget', workflowId: runOf('over-budget', 'M1') },
  ];
};

const watched: Scenario = async (service) => {
  const script = await service.create('watched');
  script.source = ['M1', 'M2'];
  await service.lineages.watchNow('watched');
  return [{ name: 'watch-finds-two', workflowId: 'watch/watched/by-hand/all' }];
};

const backfilled: Scenario = async (service) => {
  const script = await service.create('backfilled', { backlog: 'latest' });
  await service.observe('backfilled', 3);
  await service.until('backfilled', 'M3', 'succeeded');
  script.source = ['M1', 'M2', 'M3'];
  await service.lineages.watchNow('backfilled', undefined, { to: 'M2' });
  await service.until('backfilled', 'M2', 'succeeded');
  return [{ name: 'watch-backfills', workflowId: 'watch/backfilled/by-hand/backfill/..M2' }];
};

const SCENARIOS: readonly Scenario[] = [
  ...[twoReleases, decided, pausedInTraining, cancelled],
  ...[failedAndRetried, continuedAsNew, watched],
  ...[superseded, approved, overBudget, backfilled],
];
