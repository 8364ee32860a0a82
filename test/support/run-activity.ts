import type { MockActivityEnvironment } from '@temporalio/testing';
import { quietEnvironment } from './quiet-environment.ts';

/** Runs an activity as a worker would, and keeps its result's type. */
export function runActivity<Input, Output>(
  activity: (input: Input) => Promise<Output>,
  input: Input,
  environment: MockActivityEnvironment = quietEnvironment(),
): Promise<Output> {
  return environment.run<[Input], Output, typeof activity>(activity, input);
}
