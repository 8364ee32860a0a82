import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorkerProcess } from '../../drills/lab/worker-process.ts';
import { versioningOf } from '../../workers/build-version.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { Fleet } from '../support/fleet.ts';
import { temporaryFolder } from '../support/safetensors.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitAtLength } from '../support/wait-at-length.ts';

const DEPLOYMENT = 'regraft';
/** `VERSIONING_BEHAVIOR_AUTO_UPGRADE` of Temporal's API. */
const AUTO_UPGRADE = 2;

let env: TestWorkflowEnvironment;
let fleet: Fleet;
beforeAll(async () => {
  env = await startTemporal();
  fleet = new Fleet(env);
  await fleet.startOthers();
});
afterAll(async () => {
  await fleet.stop();
  await env.teardown();
});

/** Temporal's own command, as docs/deployment.md has it. */
async function deployment(verb: string, ...more: readonly string[]): Promise<string> {
  const program = path.join(PROJECT_ROOT, '.venv', 'bin', 'temporal');
  const where = ['--address', env.address, '--namespace', env.namespace ?? 'default'];
  return (await promisify(execFile)(program, ['worker', 'deployment', verb, ...where, ...more])).stdout;
}

async function makeCurrent(buildId: string): Promise<void> {
  const build = ['--deployment-name', DEPLOYMENT, '--build-id', buildId];
  await waitAtLength(`Temporal knows build ${buildId}`, async () =>
    deployment('set-current-version', ...build, '--yes').then(
      () => true,
      () => false,
    ),
  );
}

/** The build that has done a workflow's newest work. */
async function buildOf(workflowId: string): Promise<string> {
  const { raw } = await fleet.client.workflow.getHandle(workflowId).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? 'none';
}

/** Today's workflows, as a versioned worker has them. */
const versionedBundle = (): Promise<{ readonly codePath: string }> =>
  workflowBundle(path.join(PROJECT_ROOT, '.regraft', 'cache'), { versioned: true });

/** Another build: its runs take the difference before they train, which breaks a run of today's that is in training. */
async function otherCode(): Promise<string> {
  const code = await readFile((await versionedBundle()).codePath, 'utf8');
  const other = code.replace(/'finetune',(\s+)'difference',/, `'difference',$1'finetune',`);
  expect(other).not.toBe(code);
  return other;
}

const build = (buildId: string) => versioningOf({ deployment: DEPLOYMENT, buildId });

describe('an upgrade in the middle of a run', () => {
  it('leaves the run on its build and takes the lineage to the new one', async () => {
    const first = await fleet.startControl({ ...build('1'), workflowBundle: await versionedBundle() });
    await makeCurrent('1');
    const script = await fleet.create('upgraded');
    const training = fleet.holdTraining('upgraded');
    await fleet.observe('upgraded', 1);
    await training.untilRunning();
    const run = 'lineage/upgraded/run/M1/iterative';
    expect([await buildOf('lineage/upgraded'), await buildOf(run)]).toEqual(['1', '1']);

    await fleet.startControl({ ...build('2'), workflowBundle: { code: await otherCode() } });
    await fleet.observe('upgraded', 2); // a build that is not current gets nothing
    expect(await buildOf('lineage/upgraded')).toBe('1');
    await makeCurrent('2');
    training.proceedTo(100);
    expect((await fleet.untilEnded('upgraded', 'M1')).status).toBe('succeeded');
    expect(await buildOf(run)).toBe('1');
    const story = script.story('M1', 'iterative');
    expect(story.indexOf('finetuneModel')).toBeLessThan(story.indexOf('differenceModel'));

    await waitAtLength('the next run is on the new build', async () => {
      const found = await buildOf('lineage/upgraded/run/M2/iterative').catch(() => 'not there');
      return found === '2';
    });
    expect(await buildOf('lineage/upgraded')).toBe('2');
    const answer = await deployment('describe', '--name', DEPLOYMENT, '--output', 'json');
    expect(JSON.parse(answer)).toMatchObject({ routingConfig: { currentVersionBuildID: '2' } });
    await first.stop();
    expect((await fleet.untilEnded('upgraded', 'M2')).release.name).toBe('M2');
  }, 120_000);

  it('is what `regraft worker --build-id` is for: it serves as that build once it is current', async () => {
    const home = await temporaryFolder();
    const { PATH, HOME } = process.env;
    const worker = await startWorkerProcess(
      [
        ...[path.join(PROJECT_ROOT, 'bin', 'regraft.mjs'), 'worker', '--home', home],
        ...['--queues', 'control', '--build-id', '3'],
      ],
      {
        environment: { PATH, HOME, TEMPORAL_ADDRESS: env.address, TEMPORAL_NAMESPACE: env.namespace ?? 'default' },
        log: path.join(home, 'worker.log'),
      },
    );
    try {
      await makeCurrent('3');
      await fleet.create('by-command');
      await waitAtLength('it has served the lineage', async () => (await buildOf('lineage/by-command')) === '3');
      const { raw } = await fleet.client.workflow.getHandle('lineage/by-command').describe();
      expect(raw.workflowExecutionInfo?.versioningInfo?.behavior).toBe(AUTO_UPGRADE);
    } finally {
      await fleet.stop(); // first: an activity may be asking the lineage
      await worker.kill();
    }
  }, 120_000);
});
