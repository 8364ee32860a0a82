/**
 * Serves all five queues of the server at the address that it is given: today's workflows, and activities that answer at
 * once. Sends a message when it is ready; ends when the process that started it is gone or lets it go.
 *
 *     node --import tsx scripts/bench/orchestration/scripted-worker.ts ADDRESS
 */
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Service } from '../../../test/support/service.ts';
import { quietRuntime } from '../../../test/support/temporal-server.ts';

async function main(address: string): Promise<void> {
  const letGo = new Promise<void>((resolve) => process.once('disconnect', resolve));
  quietRuntime();
  const service = await Service.start(await TestWorkflowEnvironment.createFromExistingServer({ address }));
  process.send?.('ready');
  await letGo;
  await service.stop();
}

await main(process.argv[2] ?? '');
