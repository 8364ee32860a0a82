import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { createWorkerLogger } from '../../workers/worker-logger.ts';
import { ORDER, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitAtLength } from '../support/wait-at-length.ts';

const RELEASES = 500;

let folder: string;
let service: Service;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'regraft-long-life-'));
  const workflowsPath = path.join(PROJECT_ROOT, 'test', 'support', 'quick-runs.ts');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: createWorkerLogger() });
  const codePath = path.join(folder, 'bundle.js');
  await writeFile(codePath, code);
  service = await Service.start(await startTemporal(), async () => ({ codePath }));
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

interface History {
  readonly events: number;
  readonly bytes: number;
}

/** One for each run between two continue-as-new. */
async function historiesOf(name: string): Promise<readonly History[]> {
  const found: History[] = [];
  for await (const { runId } of service.env.client.workflow.list({ query: `WorkflowId = 'lineage/${name}'` })) {
    const { historyLength, historySize } = await service.env.client.workflow
      .getHandle(`lineage/${name}`, runId)
      .describe();
    found.push({ events: historyLength, bytes: historySize ?? 0 });
  }
  return found;
}

describe('a lineage of five hundred releases', () => {
  it(
    'keeps every history and its state small, and knows the first release as well as the last',
    { timeout: 400_000 },
    async () => {
      await service.create('long-life', { controls: ['plain'], publish: [{ folder: '/live' }] });
      await service.lineages.pause('long-life', ORDER);
      for (let first = 1; first <= RELEASES; first += 10) {
        const ten = Array.from({ length: 10 }, (_, index) => first + index);
        await Promise.all(ten.map((number) => service.observe('long-life', number)));
      }
      await service.lineages.resume('long-life', ORDER);
      const last = `M${String(RELEASES)}`;
      await waitAtLength(
        'all are done',
        async () => {
          const { releases } = await service.lineages.state('long-life');
          return releases.every(({ status }) => status === 'succeeded');
        },
        1000,
      );

      const state = await service.lineages.state('long-life');
      expect(state.releases).toHaveLength(RELEASES);
      expect(state.published?.release).toBe(last);
      expect(state.releases.at(-1)?.arms[0]?.source).toMatchObject({ fromRelease: `M${String(RELEASES - 1)}` });
      expect(state.releases[0]).toMatchObject({
        status: 'succeeded',
        arms: [],
        recordDigest: expect.any(String) as string,
      });

      await waitAtLength('all its runs are listed', async () => (await historiesOf('long-life')).length >= 10);
      const histories = await historiesOf('long-life');
      const most = (pick: (history: History) => number): number => Math.max(...histories.map(pick));
      const sum = (pick: (history: History) => number): number =>
        histories.reduce((total, history) => total + pick(history), 0);
      const events = sum((history) => history.events) / RELEASES;
      const bytes = sum((history) => history.bytes) / RELEASES;
      const stateBytes = JSON.stringify(state).length;
      console.log(
        `${String(RELEASES)} releases, two arms each: ${String(histories.length)} histories; ${events.toFixed(1)} events and ${(bytes / 1000).toFixed(1)} kB a release; the longest ${String(most((history) => history.events))} events, the largest ${(most((history) => history.bytes) / 1e6).toFixed(2)} MB; state ${(stateBytes / 1000).toFixed(0)} kB`,
      );
      expect(events).toBeLessThan(60);
      expect(most((history) => history.events)).toBeLessThan(4_000);
      expect(most((history) => history.bytes)).toBeLessThan(5_000_000);
      expect(stateBytes).toBeLessThan(500_000);
    },
  );
});
