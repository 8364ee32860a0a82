import path from 'node:path';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { waitUntil } from './wait-until.ts';

const program = (name: string) =>
  ({ type: 'existing-path', path: path.join(PROJECT_ROOT, '.venv', 'bin', name) }) as const;

/** Options of a server by the names its dynamic configuration has for them. */
export type DynamicConfig = Readonly<Record<string, number | boolean>>;

/** Out of the box a server looks for due tasks 20 times a second at most, and every step of a workflow waits for that. */
const PROMPT: DynamicConfig = {
  'history.transferProcessorMaxPollRPS': 1000,
  'history.timerProcessorMaxPollRPS': 1000,
};

/**
 * A real Temporal server for one test file. TEMPORAL_ADDRESS names one to use instead, in a namespace of the file's own
 * (task queues have one name each, and files run side by side); a test that needs options always starts one.
 */
export async function startTemporal(options: DynamicConfig = {}): Promise<TestWorkflowEnvironment> {
  quietRuntime();
  const address = process.env['TEMPORAL_ADDRESS'] ?? '';
  if (address !== '' && Object.keys(options).length === 0) {
    return TestWorkflowEnvironment.createFromExistingServer({ address, namespace: await makeNamespace(address) });
  }
  const settings = Object.entries({ ...PROMPT, ...options });
  const extraArgs = settings.flatMap(([name, value]) => ['--dynamic-config-value', `${name}=${JSON.stringify(value)}`]);
  const log = { format: 'pretty', level: 'error' };
  return TestWorkflowEnvironment.createLocal({ server: { executable: program('temporal'), extraArgs, log } });
}

/** The server whose clock jumps over every wait: retries, pauses and timeouts take no time. It knows no schedules. */
export async function startTimeSkippingTemporal(): Promise<TestWorkflowEnvironment> {
  quietRuntime();
  return TestWorkflowEnvironment.createTimeSkipping({ server: { executable: program('temporal-test-server') } });
}

/** The SDK warns of every failure that a test wants; only its own troubles are shown. */
export function quietRuntime(): void {
  const filter = { core: 'ERROR', other: 'ERROR' } as const;
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter } } });
}

async function makeNamespace(address: string): Promise<string> {
  const namespace = `regraft-test-${String(process.pid)}-${String(Date.now())}`;
  const connection = await Connection.connect({ address });
  try {
    const { workflowService } = connection;
    await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') });
    await waitUntil(`${address} knows namespace ${namespace}`, () =>
      workflowService.listWorkflowExecutions({ namespace }).then(
        () => true,
        () => false,
      ),
    );
  } finally {
    await connection.close();
  }
  return namespace;
}
