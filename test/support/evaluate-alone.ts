import type { CommandSuite, LmEvalSuite } from '../../activities/ports.ts';
import { createEvaluators } from '../../adapters/evaluate/evaluators.ts';
import { openFsWorkspace } from '../../adapters/workspace/fs-workspace.ts';

/** What is evaluated, and with which Python; `work` is the workspace. */
export interface EvaluateAlone {
  readonly work: string;
  readonly python: string;
  readonly suite: CommandSuite | LmEvalSuite;
}

// Evaluates as a worker does, in a process that may be killed; SIGTERM calls it off, and is said. Usage: evaluate-alone.ts EVALUATE-ALONE-AS-JSON
const { work, python, suite } = JSON.parse(process.argv[2] ?? '{}') as EvaluateAlone;
const environment = { PATH: process.env['PATH'] ?? '' };
const calledOff = new AbortController();
process.once('SIGTERM', () => {
  calledOff.abort();
  process.stdout.write('called off\n');
});
const scratch = await openFsWorkspace(work);
await createEvaluators({ threads: 1, python, environment, scratch })[suite.kind].evaluate({
  ...{ modelFolder: '/models/m', suite },
  signal: calledOff.signal,
  onProgress: () => undefined,
});
